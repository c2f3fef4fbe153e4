"""What the DAGs share: the terms their tasks run under, and the assets that chain them.

Not a DAG itself (``.airflowignore``). Airflow puts its DAG folder on the path, so that the files
beside can import it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    Context,
    CronTriggerTimetable,
    RetryDecision,
    RetryPolicy,
    task,
)
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

FEEDS_RECEIVED = Asset("lrms://feeds/received")
EVENTS_LOADED = Asset("lrms://events/loaded")
EVENTS_MARKED = Asset("lrms://events/marked")
# By the clock as well: for what came by hand or over the API, and what a killed run left.
WHEN_FEEDS_CAME = AssetOrTimeSchedule(
    assets=FEEDS_RECEIVED, timetable=CronTriggerTimetable("*/5 * * * *", timezone="Europe/London")
)


class RetryWhatMayPass(RetryPolicy):
    """Tries again what another try may cure: errors that say so of themselves
    (``schemas.errors``), and a time-out, as a task goes on where the last try stopped. Anything
    else fails at once. A task whose worker was killed is the scheduler's to retry; it does not ask
    here."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        if isinstance(exception, AirflowTaskTimeout) or getattr(exception, "retryable", False):
            return RetryDecision.default()
        return RetryDecision.fail("another try would fail in the same way")


TASK_TERMS: dict[str, Any] = {
    "execution_timeout": timedelta(hours=1),
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RetryWhatMayPass(),
}
DAG_TERMS: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    # A run takes all that waits, so a second one beside it has nothing to do.
    "max_active_runs": 1,
    "default_args": TASK_TERMS,
    "tags": ["lrms"],
}


@task(trigger_rule="one_failed", retries=0)
def watch() -> None:
    """Turns a run red where one of its tasks failed and a later one was run all the same: Airflow
    judges a run by its last tasks alone. Skipped in a green run."""
    raise AirflowFailException("a task of this run failed: its log says why")


def skip_unless(some: int, reason: str) -> None:
    """A task that is skipped updates no asset: what waits for it does not run for nothing."""
    if not some:
        raise AirflowSkipException(reason)


@contextmanager
def open_step(name: str) -> Iterator[Any]:
    """The gateway for one task of a DAG, named ``dag.task``. It is imported where a task runs, not
    where Airflow reads the DAGs."""
    from gateway.monitoring.steps import open_step as opened

    with opened(name) as gateway:
        yield gateway
