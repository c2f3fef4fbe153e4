"""### Load the feeds that wait

Batches that were received → their parts, each a task → finished batches with their receipts.
A batch with bad records is a green run: they are in its receipt. A red run is our trouble.
"""

from airflow.sdk import dag, task, teardown
from airflow.sdk.exceptions import AirflowSkipException
from lrms_terms import DAG_TERMS, EVENTS_LOADED

# Airflow maps a task over at most 1,024 items; what is left is the next run's.
MOST_ITEMS = 1_000


@dag(schedule="*/5 * * * *", doc_md=__doc__, **DAG_TERMS)
def load_feeds() -> None:
    @task
    def plan() -> list[dict[str, object]]:
        from gateway.bootstrap import open_gateway
        from gateway.pipeline.plan import plan_waiting

        with open_gateway(actor="airflow") as gateway:
            return [dict(item) for item in plan_waiting(gateway)[:MOST_ITEMS]]

    @task
    def process(batch_id: str, parts: list[int]) -> dict[str, int]:
        from gateway.bootstrap import open_gateway
        from gateway.pipeline.process import process_parts

        with open_gateway(actor="airflow") as gateway:
            return process_parts(gateway, batch_id, parts)

    # A teardown runs whatever became of the parts: one that fails must not hold up the batches of
    # others. It leaves the run as red as its parts are.
    @teardown(on_failure_fail_dagrun=True)
    @task(outlets=[EVENTS_LOADED])
    def finish() -> dict[str, int]:
        from gateway.bootstrap import open_gateway
        from gateway.pipeline.finish import finish_batches

        with open_gateway(actor="airflow") as gateway:
            counts = finish_batches(gateway)
        if not counts["finished"]:
            raise AirflowSkipException("no batch was finished: nothing to mark or to tell")
        return counts

    process.expand_kwargs(plan()) >> finish()


load_feeds()
