"""### Replay records that were not loaded

By hand, for those that its parameters name: first as a dry run, which says how many would become
what; with *for_real*, done: each in its own place in the order of arrival, once, however often the
run is killed and repeated. What stands in XCom are counts.
"""

from airflow.sdk import Param, dag, task
from lrms_terms import DAG_TERMS, EVENTS_MARKED


def _text(of: str, **more: object) -> Param:
    return Param(None, type=["null", "string"], description=of, **more)


PARAMS = {
    "batch_id": _text("of this batch, b-…"),
    "number": Param(None, type=["null", "integer"], description="this record of it"),
    "source_id": _text("of this source"),
    "organisation": _text("of this organisation's sources"),
    "code": _text("with this finding, as RULE-010"),
    "fault_id": _text("quarantined by this fault, f-…"),
    "disposition": _text("only these", enum=[None, "rejected", "quarantined"]),
    "since": _text("received then or later", format="date-time"),
    "until": _text("received before", format="date-time"),
    "for_real": Param(False, type="boolean", description="do it, not only say it"),
    "most": Param(1_000, type="integer", minimum=1, description="at most so many, in each try"),
    "per_minute": Param(0, type="integer", minimum=0, description="0: as fast as may be"),
}


@dag(schedule=None, doc_md=__doc__, params=PARAMS, **DAG_TERMS)
def replay_records() -> None:
    @task(outlets=[EVENTS_MARKED])
    def replay(params=None) -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.replay_run import run_replay

        with open_step("replay_records.replay") as gateway:
            return run_replay(gateway, dict(params))

    replay()


replay_records()
