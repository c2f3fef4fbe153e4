"""Uploads: a feed that comes in pieces. Begin one, append to it, and once all of it came it becomes
a batch as if it had come at once; end it, or have it removed when it expires."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from gateway.bootstrap import Gateway
from gateway.pipeline.receive import receive_raw_file
from gateway.pipeline.trial import receive_trial_file
from schemas.errors import UnknownError
from schemas.upload import Upload
from store.partial_files import BusyError, OffsetError, TooLongError
from store.raw_files import RawFile

log = logging.getLogger(__name__)

MOST_UNFINISHED: Final = 20
# Somebody writes a block, or receives a whole upload: a second or two a gigabyte.
_WAIT_SECONDS: Final = 30


class ExpiredError(UnknownError):
    """The upload was not finished in time."""


def begin_upload(
    gateway: Gateway,
    source_id: str,
    *,
    length: int,
    filename: str,
    metadata: str = "",
    dry_run: bool = False,
) -> Upload:
    """A new upload of ``length`` bytes, none of which came yet. TooLongError above the limit of a
    feed, TooManyUploadsError where the source has MOST_UNFINISHED of them."""
    settings = gateway.settings
    most = settings.max_trial_bytes if dry_run else settings.max_feed_bytes
    if length > most:
        raise TooLongError(f"a {'dry run' if dry_run else 'feed'} may have {most} bytes")
    now = gateway.now()
    upload = Upload(
        id=gateway.random_bytes(16).hex(),
        source_id=source_id,
        length=length,
        filename=filename,
        metadata=metadata,
        dry_run=dry_run,
        created_at=now,
        expires_at=now + timedelta(days=settings.upload_days),
    )
    # What is known first, then the files, and the other way round at the end: so no file is ever
    # left that nothing leads to.
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        work.uploads.add(upload, most=MOST_UNFINISHED)
    gateway.partial.create(upload.id)
    log.info("upload begun by %s: %d bytes", source_id, length)
    return upload


def get_upload(gateway: Gateway, source_id: str, upload_id: str) -> tuple[Upload, int]:
    """The source's upload, and how many of its bytes are safe. UnknownError where it has no such
    upload, ExpiredError where it was not finished in time."""
    upload = _read(gateway, source_id, upload_id)
    if upload.batch_id:
        return upload, upload.length
    try:
        offset = gateway.partial.find_offset(upload.id)
    except UnknownError:
        return _get_finished(gateway, upload), upload.length
    if offset < upload.length and upload.expires_at <= gateway.now():
        raise ExpiredError("the upload was not finished in time: begin a new one")
    return upload, offset


def append_to_upload(gateway: Gateway, upload: Upload, offset: int, blocks: Iterable[bytes]) -> int:
    """Where the upload stands once all these bytes are on the disk. OffsetError, TooLongError,
    BusyError: none of them was taken."""
    try:
        return gateway.partial.append(upload.id, offset, blocks, length=upload.length)
    except UnknownError:
        # Another request brought the rest, and it is received.
        raise OffsetError(_get_finished(gateway, upload).length) from None


def finish_upload(gateway: Gateway, upload: Upload) -> Upload:
    """An upload that is whole becomes a batch (or a dry run), once, whoever asks for it and however
    often. BusyError where another is still at it after half a minute."""
    try:
        with gateway.partial.lock(upload.id, seconds=_WAIT_SECONDS):
            stored = _read(gateway, upload.source_id, upload.id)
            if stored.batch_id is None:
                path = gateway.partial.get_path(upload.id, upload.length)
                batch_id = _receive(gateway, upload, gateway.raw.adopt(path))
                with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
                    work.uploads.finish(upload, batch_id)
            gateway.partial.remove(upload.id)
    except UnknownError:
        # The other one was faster.
        return _get_finished(gateway, upload)
    return _read(gateway, upload.source_id, upload.id)


def end_upload(gateway: Gateway, upload: Upload, *, action: str = "upload.ended") -> None:
    """Forget it, finished or not; what was received of it stays received."""
    with suppress(UnknownError), gateway.partial.lock(upload.id, seconds=_WAIT_SECONDS):
        gateway.partial.remove(upload.id)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.uploads.remove(upload, action=action)


def prune_uploads(gateway: Gateway) -> dict[str, int]:
    """Removes the uploads that expired; one that is whole and was never received (its process was
    killed at the last step) is received instead. ``{"removed": …, "received": …}``."""
    done = {"removed": 0, "received": 0}
    with gateway.store.read() as work:
        expired = work.uploads.find_expired(gateway.now())
    for upload in expired:
        with suppress(BusyError):
            done[_prune(gateway, upload)] += 1
    return done


def _prune(gateway: Gateway, upload: Upload) -> str:
    if upload.batch_id is None and _is_whole(gateway, upload):
        finish_upload(gateway, upload)
        return "received"
    end_upload(gateway, upload, action="upload.expired")
    return "removed"


def _is_whole(gateway: Gateway, upload: Upload) -> bool:
    try:
        return gateway.partial.find_offset(upload.id) == upload.length
    except UnknownError:
        return False


def _receive(gateway: Gateway, upload: Upload, raw: RawFile) -> str:
    source_id, filename = upload.source_id, upload.filename
    if upload.dry_run:
        return receive_trial_file(gateway, source_id, raw, filename=filename).id
    return receive_raw_file(gateway, source_id, raw, filename=filename, route="http")[0].id


def _read(gateway: Gateway, source_id: str, upload_id: str) -> Upload:
    with gateway.store.read() as work:
        return work.uploads.get(upload_id, source_id)


def _get_finished(gateway: Gateway, upload: Upload) -> Upload:
    stored = _read(gateway, upload.source_id, upload.id)
    if stored.batch_id is None:
        raise UnknownError("no such upload")
    return stored
