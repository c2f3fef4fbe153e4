"""### Make up for what was received on a day

Each run is about one day: what was received on it is loaded to its end, marked, and made into
messages. Scheduled, it finds nothing to do, unless something was left behind; for days that are
past: `airflow backfill create --dag-id backfill_received --from-date … --to-date …`.
"""

from airflow.sdk import CronDataIntervalTimetable, dag, task
from lrms_terms import DAG_TERMS, EVENTS_MARKED

# Days as the sources' are. The run about a day begins when it is over.
WHEN = CronDataIntervalTimetable("0 0 * * *", timezone="Europe/London")


@dag(schedule=WHEN, doc_md=__doc__, **DAG_TERMS)
def backfill_received() -> None:
    @task(outlets=[EVENTS_MARKED])
    def backfill(data_interval_start=None, data_interval_end=None) -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.backfill import backfill_window

        with open_step("backfill_received.backfill") as gateway:
            found = backfill_window(gateway, data_interval_start, data_interval_end)
        failed = sum(one.error is not None for one in found)
        if failed:
            raise RuntimeError(f"{failed} of {len(found)} batches cannot be loaded: see above")
        held = sum(one.batch.state == "held" for one in found)
        return {"batches": len(found), "held": held}

    backfill()


backfill_received()
