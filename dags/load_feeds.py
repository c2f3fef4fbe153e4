"""### Load the feeds that wait

Received → looked at, and cut into parts → shares of about equal work, each a task → finished. A
batch with bad records is a green run: they are in its receipt. A red run is our trouble.
"""

from typing import Any

from airflow.sdk import dag, task
from lrms_deadline import make_deadline
from lrms_terms import DAG_TERMS, EVENTS_LOADED, WHEN_FEEDS_CAME, open_step, skip_unless, watch


@dag(schedule=WHEN_FEEDS_CAME, deadline=make_deadline("load_feeds"), doc_md=__doc__, **DAG_TERMS)
def load_feeds() -> None:
    @task
    def plan() -> list[list[str]]:
        from gateway.pipeline.share import share_looks

        with open_step("load_feeds.plan") as gateway:
            return share_looks(gateway)

    @task
    def look(batch_ids: list[str]) -> dict[str, int]:
        from gateway.pipeline.share import plan_batches

        with open_step("load_feeds.look") as gateway:
            return plan_batches(gateway, batch_ids)

    @task(trigger_rule="all_done")  # batches that fail must not hold up the others
    def share() -> list[list[Any]]:
        from gateway.pipeline.share import share_work

        with open_step("load_feeds.share") as gateway:
            return [list(items) for items in share_work(gateway)]

    @task
    def process(work: list[Any]) -> dict[str, int]:
        from gateway.pipeline.share import process_shares

        with open_step("load_feeds.process") as gateway:
            return process_shares(gateway, work)

    @task(outlets=[EVENTS_LOADED], trigger_rule="all_done")
    def finish() -> dict[str, int]:
        from gateway.pipeline.finish import finish_batches

        with open_step("load_feeds.finish") as gateway:
            counts = finish_batches(gateway)
        skip_unless(counts["finished"], "no batch was finished: nothing to mark or to tell")
        return counts

    looked, shared, finished = look.expand(batch_ids=plan()), share(), finish()
    loaded = process.expand(work=shared)
    looked >> shared >> loaded >> finished
    [looked, shared, loaded, finished] >> watch()


load_feeds()
