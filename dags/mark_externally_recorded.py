"""### Mark events as externally recorded

By which source, route and organisation, and whether that is another than where it happened.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from lrms_terms import DAG_TERMS, EVENTS_LOADED, EVENTS_MARKED

# By the clock as well: a run killed between its last commit and its asset event tells nobody.
WHEN = AssetOrTimeSchedule(
    assets=EVENTS_LOADED, timetable=CronTriggerTimetable("17 * * * *", timezone="Europe/London")
)


@dag(schedule=WHEN, doc_md=__doc__, **DAG_TERMS)
def mark_externally_recorded() -> None:
    @task(outlets=[EVENTS_MARKED])
    def mark() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.mark import mark_externally_recorded

        with open_step("mark_externally_recorded.mark") as gateway:
            return mark_externally_recorded(gateway)

    mark()


mark_externally_recorded()
