"""What Airflow calls when a run of a DAG is not over by its deadline: an alarm of ours, whose mail
goes out at once. It runs in Airflow's triggerer, among whatever else that awaits.

Named by its path in the DAG's file, which Airflow reads anew all the time and imports this module
for: so nothing heavy is imported before it is called.
"""

import asyncio
from datetime import datetime
from typing import Any

# Of mail that may wait beside this one's.
_MOST_MESSAGES = 20


async def tell_late_run(dag: str, context: dict[str, Any] | None = None) -> str:
    """What it gives stands in Airflow's own table."""
    due = ((context or {}).get("deadline") or {}).get("deadline_time")
    return await asyncio.to_thread(_tell, dag, str(due))


def _tell(dag: str, due: str) -> str:
    from gateway.bootstrap import open_gateway  # noqa: PLC0415
    from gateway.monitoring.watch import raise_alarm  # noqa: PLC0415
    from gateway.pipeline.notify import deliver_messages  # noqa: PLC0415
    from schemas.alarm import Seen  # noqa: PLC0415
    from schemas.alarm_codes import LOAD_LATE  # noqa: PLC0415

    with open_gateway(actor="airflow") as gateway:
        params = {"dag": dag, "due": _word_due(due)}
        is_new = raise_alarm(gateway, Seen(code=LOAD_LATE.code, subject=dag, params=params))
        # Not left to notify_admin_users: what holds up this DAG may hold up that one.
        deliver_messages(gateway, limit=_MOST_MESSAGES)
    return "alarm opened" if is_new else "the alarm is open already"


def _word_due(due: str) -> str:
    from gateway.monitoring.instants import word_instant  # noqa: PLC0415

    try:
        return word_instant(datetime.fromisoformat(due))
    except ValueError:
        return "its deadline"
