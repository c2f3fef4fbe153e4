"""Uploads that are under way, or done: what is known of them. Their bytes are partial files."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from schemas.errors import UnknownError, WrongUseError
from schemas.upload import Upload
from schemas.values import storable
from store.audit import Audit
from store.tables import sources, uploads


class TooManyUploadsError(WrongUseError):
    """The source has as many unfinished uploads as it may; ``until``: when the first expires."""

    def __init__(self, most: int, until: datetime) -> None:
        super().__init__(f"{most} uploads are unfinished already: finish or end one of them first")
        self.until = until


class Uploads:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, upload: Upload, *, most: int) -> None:
        """TooManyUploadsError where ``most`` of the source's are unfinished, UnknownError for an
        unknown source."""
        # Locked, so that two at once are counted one after the other.
        source = select(sources.c.id).where(sources.c.id == upload.source_id)
        if self._connection.execute(source.with_for_update(key_share=True)).one_or_none() is None:
            raise UnknownError(f"no such source: {upload.source_id}")
        unfinished = uploads.c.batch_id.is_(None) & (uploads.c.expires_at > self._now)
        count, first = self._connection.execute(
            select(func.count(), func.min(uploads.c.expires_at)).where(
                uploads.c.source_id == upload.source_id, unfinished
            )
        ).one()
        if count >= most:
            raise TooManyUploadsError(most, first)
        values = msgspec.structs.asdict(upload) | {"filename": storable(upload.filename)}
        self._connection.execute(insert(uploads).values(values))
        details = {"source": upload.source_id, "length": upload.length, "dry_run": upload.dry_run}
        self._audit.add("upload.begun", upload.id, details)

    def get(self, id: str, source_id: str) -> Upload:  # noqa: A002
        """UnknownError also for another source's: whether there is one is not theirs to know."""
        row = self._connection.execute(
            select(uploads).where(uploads.c.id == id, uploads.c.source_id == source_id)
        ).one_or_none()
        if row is None:
            raise UnknownError("no such upload")
        return _read(row)

    def finish(self, upload: Upload, batch_id: str) -> None:
        """All of it came and is kept as ``batch_id``; done already, it is left as it is."""
        finished = self._connection.execute(
            update(uploads)
            .where(uploads.c.id == upload.id, uploads.c.batch_id.is_(None))
            .values(batch_id=batch_id)
            .returning(uploads.c.id)
        ).one_or_none()
        if finished is not None:
            self._audit.add("upload.finished", upload.id, {"batch": batch_id})

    def remove(self, upload: Upload, *, action: str) -> None:
        """Forget it; what was received stays. ``action``: why, for the audit log."""
        removed = self._connection.execute(
            delete(uploads).where(uploads.c.id == upload.id).returning(uploads.c.id)
        ).one_or_none()
        if removed is not None:
            self._audit.add(action, upload.id, {"source": upload.source_id})

    def find_expired(self, at: datetime) -> list[Upload]:
        """Finished or not."""
        query = select(uploads).where(uploads.c.expires_at <= at)
        return [_read(row) for row in self._connection.execute(query)]


def _read(row: Row[Any]) -> Upload:
    return Upload(**{name: getattr(row, name) for name in Upload.__struct_fields__})
