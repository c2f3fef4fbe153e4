"""Make up for what was not done: finish, mark and announce what was received in a window of time;
and load the history of a source, file by file, without telling anybody of what is long past."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.judge import LONDON
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.notify import prepare_messages
from gateway.pipeline.receive import receive_feed
from schemas.batch import Batch
from schemas.errors import GatewayError, WrongUseError
from schemas.submission import Quiet
from schemas.values import storable

log = logging.getLogger(__name__)


class Backfilled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch. ``before`` is the state it was in; ``error`` why it is as it was.
    ``quiet``: alerts that nobody is told; ``waiting``: those somebody still is."""

    batch: Batch
    before: str
    error: str | None = None
    quiet: int = 0
    waiting: int = 0


class LoadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of history; without a batch it was not received, and ``error`` says
    why."""

    file: str
    is_new: bool = False
    batch: Batch | None = None
    quiet: int = 0
    error: str | None = None


def make_window(since: date, until: date) -> tuple[datetime, datetime]:
    """From the start of the one day to the end of the other, in Europe/London."""
    if until < since:
        raise WrongUseError(f"the window would end on {until}, before it begins")
    first = datetime.combine(since, time.min, LONDON)
    return first, datetime.combine(until + timedelta(days=1), time.min, LONDON)


def backfill_window(
    gateway: Gateway,
    since: datetime,
    until: datetime,
    *,
    source_id: str | None = None,
    dry_run: bool = False,
) -> list[Backfilled]:
    """Every batch received from ``since`` on and before ``until`` that something is to be done
    about, in order of arrival, and what became of it: loaded to its end, marked, its alerts made
    into messages. One that is held stays so, as a person is to decide. Killed and run again, it
    goes on; done already, it does nothing."""
    with gateway.store.read() as work:
        if source_id is not None:
            work.sources.get(source_id)
        found = work.unsettled.find(since, until, source_id)
    if dry_run:
        return [
            Backfilled(batch=one.batch, before=one.batch.state, waiting=one.waiting)
            for one in found
        ]
    told = [_finish(gateway, one.batch) for one in found]
    mark_externally_recorded(gateway)
    prepare_messages(gateway)
    return [_look_again(gateway, one) for one in told]


def load_history(
    gateway: Gateway,
    source_id: str,
    files: Sequence[Path],
    *,
    quiet: Quiet | None = None,
    receive_only: bool = False,
) -> Iterator[LoadedFile]:
    """Receives and loads files one after the other: in the order given, which is the order of
    arrival from then on, so the oldest comes first. A file that was loaded before is the same
    batch, and left as it is; so what was killed is done again whole."""
    if quiet is not None:
        quiet = check_quiet(gateway, quiet)
    with gateway.store.read() as work:
        work.sources.get(source_id)
    for path in files:
        yield _load(gateway, source_id, path, quiet, receive_only=receive_only)


def check_quiet(gateway: Gateway, quiet: Quiet) -> Quiet:
    """WrongUseError for a day to come: what happens from now on is told to those it happens to."""
    today = gateway.now().astimezone(LONDON).date()
    if quiet.before > today:
        raise WrongUseError(f"--quiet-before {quiet.before}: a day to come; today is the latest")
    reason = storable(quiet.reason.strip())
    if not reason:
        raise WrongUseError("that nobody is told needs a reason: whoever reads the audit log asks")
    return msgspec.structs.replace(quiet, reason=reason)


def _finish(gateway: Gateway, batch: Batch) -> Backfilled:
    told = Backfilled(batch=batch, before=batch.state)
    if batch.state not in ("received", "planned"):
        return told
    try:
        process_batch(gateway, batch.id)
    except GatewayError as error:
        if error.retryable:
            raise
        # It does not hold up the others.
        log.error("batch %s cannot be loaded: %s", batch.id, error)  # noqa: TRY400 - no trace
        return msgspec.structs.replace(told, error=str(error))
    return told


def _look_again(gateway: Gateway, told: Backfilled) -> Backfilled:
    with gateway.store.read() as work:
        batch = work.batches.get(told.batch.id)
        return msgspec.structs.replace(
            told, batch=batch, quiet=work.quiet.count_alerts(batch.number)
        )


def _load(
    gateway: Gateway, source_id: str, path: Path, quiet: Quiet | None, *, receive_only: bool
) -> LoadedFile:
    try:
        with path.open("rb") as stream:
            batch, is_new = receive_feed(
                gateway, source_id, stream, filename=path.name, quiet=quiet
            )
        if not receive_only:
            batch = process_batch(gateway, batch.id)
    except GatewayError as error:
        if error.retryable:
            raise
        return LoadedFile(file=str(path), error=str(error))
    except OSError as error:
        return LoadedFile(file=str(path), error=error.strerror or type(error).__name__)
    with gateway.store.read() as work:
        count = work.quiet.count_alerts(batch.number)
    return LoadedFile(file=str(path), is_new=is_new, batch=batch, quiet=count)
