"""The feed of a source before this one: what drift is measured against when no file is named."""

from typing import BinaryIO

from gateway.bootstrap import Gateway
from schemas.batch import Batch
from store.raw_files import hash_range


def find_previous(gateway: Gateway, source_id: str, stream: BinaryIO) -> Batch | None:
    """The last batch of the source that was loaded, and is not this very file."""
    sha256 = hash_range(stream)
    stream.seek(0)
    with gateway.store.read() as work:
        found = work.batches.find_all()
    return next(
        (
            batch
            for batch in found
            if batch.source_id == source_id
            and batch.state == "finished"
            and batch.counts.records
            and batch.sha256 != sha256
        ),
        None,
    )


def name_previous(batch: Batch) -> str:
    return f"{batch.filename} of {batch.received_at:%Y-%m-%d} ({batch.id})"
