"""### Submit events on to the endpoint upstream

Off unless `LRMS_FORWARD_URL` is set and `lrms-gateway forward start` was run. What is due is
submitted, revision by revision; what failed or is not known is due again later: when, stands in the
store, so a run with such calls is green.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from lrms_terms import DAG_TERMS, EVENTS_LOADED

# By the clock as well: for what is due again.
WHEN = AssetOrTimeSchedule(
    assets=EVENTS_LOADED, timetable=CronTriggerTimetable("*/10 * * * *", timezone="Europe/London")
)
# Bounds a run: at 600 a minute less than an hour.
MOST_CALLS = 25_000


@dag(schedule=WHEN, doc_md=__doc__, **DAG_TERMS)
def forward_events() -> None:
    @task
    def forward() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.forward import forward_events, is_forwarding

        with open_step("forward_events.forward") as gateway:
            is_on = is_forwarding(gateway)
            counts = forward_events(gateway, limit=MOST_CALLS) if is_on else {}
        # Outside: what is raised inside is a failure of the step.
        if not is_on:
            raise AirflowSkipException("nothing is forwarded: it was not set or not started")
        return counts

    forward()


forward_events()
