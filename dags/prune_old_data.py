"""### Prune what was kept long enough

Raw files, unpacked files, findings, dry runs, mails, by the settings `LRMS_KEEP_…`. Events never,
nor what is not settled. Killed and run again, it goes on.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from lrms_terms import DAG_TERMS

# Sunday night, when few feeds come.
WHEN = CronTriggerTimetable("0 2 * * 0", timezone="Europe/London")


@dag(schedule=WHEN, doc_md=__doc__, **DAG_TERMS)
def prune_old_data() -> None:
    @task
    def prune() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.prune import prune_old_data

        with open_step("prune_old_data.prune") as gateway:
            return prune_old_data(gateway)

    prune()


prune_old_data()
