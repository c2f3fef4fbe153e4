"""### Load the feeds that wait

Batches that were received → their parts, each a task → finished batches with their receipts.
A batch with bad records is a green run: they are in its receipt. A red run is our trouble.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from lrms_deadline import make_deadline
from lrms_terms import DAG_TERMS, EVENTS_LOADED, FEEDS_RECEIVED, watch

# Airflow maps a task over at most 1,024 items; what is left is the next run's.
MOST_ITEMS = 1_000


# By the clock as well: for what came by hand or over the API, and what a killed run left.
WHEN = AssetOrTimeSchedule(
    assets=FEEDS_RECEIVED, timetable=CronTriggerTimetable("*/5 * * * *", timezone="Europe/London")
)


@dag(schedule=WHEN, deadline=make_deadline("load_feeds"), doc_md=__doc__, **DAG_TERMS)
def load_feeds() -> None:
    @task
    def plan() -> list[dict[str, object]]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.plan import plan_waiting

        with open_step("load_feeds.plan") as gateway:
            return [dict(item) for item in plan_waiting(gateway)[:MOST_ITEMS]]

    @task
    def process(batch_id: str, parts: list[int]) -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.process import process_parts

        with open_step("load_feeds.process") as gateway:
            return process_parts(gateway, batch_id, parts)

    # Whatever became of the parts: one that fails must not hold up the batches of others.
    @task(outlets=[EVENTS_LOADED], trigger_rule="all_done")
    def finish() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.finish import finish_batches

        with open_step("load_feeds.finish") as gateway:
            counts = finish_batches(gateway)
        if not counts["finished"]:
            raise AirflowSkipException("no batch was finished: nothing to mark or to tell")
        return counts

    loaded = process.expand_kwargs(plan())
    finished = finish()
    loaded >> finished
    [loaded, finished] >> watch()


load_feeds()
