"""Dry runs: a feed is received and checked, and nothing of it is loaded; unless it is promoted,
without being sent again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, Final

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.check import check_batch
from gateway.pipeline.receive import keep_raw_file, receive_raw_file
from gateway.receipts.build import ReceiptStream
from gateway.receipts.read_json import read_json
from gateway.receipts.write import write_json
from schemas.batch import Batch
from schemas.errors import GatewayError, WrongUseError
from schemas.identifiers import make_batch_id
from schemas.trial import Trial
from store.raw_files import RawFile

log = logging.getLogger(__name__)
_NEXT: Final = (
    "Dry run: nothing is loaded. If this is as you want it, promote the feed"
    " (POST /feeds/{id}/promote); else correct it and send it again."
)
_TAKEN: Final = ("id", "source_id", "sha256", "size", "filename", "route", "received_at")


class TooLargeError(WrongUseError):
    """A dry run of so large a feed would take too long, and too much memory."""


def receive_trial(
    gateway: Gateway, source_id: str, stream: BinaryIO, *, filename: str
) -> Trial | Batch:
    """The dry run of these bytes, which waits to be checked; the batch, where they were received
    to be loaded before."""
    return receive_trial_file(gateway, source_id, gateway.raw.write(stream), filename=filename)


def receive_trial_file(
    gateway: Gateway, source_id: str, raw: RawFile, *, filename: str
) -> Trial | Batch:
    most = gateway.settings.max_trial_bytes
    if raw.size > most:
        raise TooLargeError(f"a dry run takes at most {most:,} bytes: send a sample of the feed")
    batch_id = make_batch_id(source_id, raw.sha256)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        known = work.own_batches.find(source_id, batch_id)
        if known is not None:
            return known
        keep_raw_file(gateway, work, raw.sha256)
        return work.trials.add(
            Trial(
                id=batch_id,
                source_id=source_id,
                sha256=raw.sha256,
                size=raw.size,
                filename=filename,
                route="http",
                received_at=gateway.now(),
            )
        )


def check_trial(gateway: Gateway, trial: Trial) -> None:
    """Finds what loading it now would do, and keeps it. Where that cannot be told, for a fault of
    ours, the dry run ends without a receipt."""
    batch = Batch(number=0, **{name: getattr(trial, name) for name in _TAKEN})
    try:
        receipt = check_batch(gateway, batch)
    except GatewayError as error:
        if error.retryable:
            raise
        log.error("dry run %s cannot be checked: %s", trial.id, error)  # noqa: TRY400 - no trace
        kept = ""
    else:
        told = msgspec.structs.replace(receipt, next_action=_NEXT.format(id=trial.id), records=[])
        stream = write_json(ReceiptStream(told, iter(receipt.records)))
        kept = gateway.raw.write(BytesIO("".join(stream).encode())).sha256
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        if kept:
            keep_raw_file(gateway, work, kept)
        work.trials.finish(trial, kept)
    log.info("dry run %s checked", trial.id)


def promote_trial(gateway: Gateway, trial: Trial) -> Batch:
    """The batch of the dry run's bytes: received now, to be loaded as if it had just come."""
    raw = RawFile(trial.sha256, trial.size)
    batch, _ = receive_raw_file(
        gateway, trial.source_id, raw, filename=trial.filename, route=trial.route
    )
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.trials.remove(trial)
    return batch


@contextmanager
def open_trial_receipt(gateway: Gateway, trial: Trial) -> Iterator[ReceiptStream]:
    """What was found, streamed while the block lasts; WrongUseError where it is not checked."""
    if not trial.receipt:
        raise WrongUseError(f"the dry run {trial.id} has no receipt")
    with gateway.raw.open_verified(trial.receipt) as stream:
        yield read_json(stream)
