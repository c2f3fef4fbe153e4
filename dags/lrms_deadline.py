"""When a run is late. Not a DAG itself (``.airflowignore``)."""

from datetime import timedelta
from os import environ

from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference

MINUTES = float(environ.get("LRMS_LOAD_LATE_MINUTES", "60"))
TELL = "gateway.monitoring.deadline.tell_late_run"


def make_deadline(dag_id: str) -> DeadlineAlert:
    """A run that is not over by then is told by Airflow's triggerer, once, to our alarms: also of
    one that the scheduler queued and never began."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=MINUTES),
        callback=AsyncCallback(TELL, {"dag": dag_id}),
    )
