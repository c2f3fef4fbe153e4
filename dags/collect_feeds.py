"""### Fetch feeds from where sources leave them

Collectors that are due → each a task, red for itself alone (when it is due again stands in the
store) → `load_feeds`. And back: receipts of finished batches, to the mailboxes they came from.
"""

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException
from lrms_terms import DAG_TERMS, FEEDS_RECEIVED, watch

MOST = 1_000  # Airflow maps a task over at most 1,024 items; the rest is due in the next run.


@dag(schedule="* * * * *", doc_md=__doc__, **DAG_TERMS)
def collect_feeds() -> None:
    @task
    def find_due() -> list[str]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.collect import find_due_collectors

        with open_step("collect_feeds.find_due") as gateway:
            return find_due_collectors(gateway)[:MOST]

    @task
    def collect(collector_id: str) -> dict[str, int]:
        from lrms_connections import give_airflows

        from gateway.monitoring.steps import open_step
        from gateway.pipeline.collect import run_collector

        with open_step("collect_feeds.collect") as gateway:
            return run_collector(give_airflows(gateway), collector_id)

    # Whatever became of the collectors: what one received must not wait for another.
    @task(outlets=[FEEDS_RECEIVED], trigger_rule="all_done")
    def announce() -> dict[str, int]:
        from gateway.monitoring.steps import open_step

        with open_step("collect_feeds.announce") as gateway, gateway.store.read() as work:
            waiting = work.batches.count("received")
        if not waiting:
            raise AirflowSkipException("no batch waits: nothing to load")
        return {"waiting": waiting}

    @task(trigger_rule="all_done")
    def answer() -> dict[str, int]:
        from lrms_connections import give_airflows

        from gateway.monitoring.steps import open_step
        from gateway.pipeline.send_receipts import send_receipts

        with open_step("collect_feeds.answer") as gateway:
            return send_receipts(give_airflows(gateway))

    collected, announced, answered = collect.expand(collector_id=find_due()), announce(), answer()
    collected >> [announced, answered]
    [collected, announced, answered] >> watch()


collect_feeds()
