"""Raw files that nothing needs any more: marked in the transaction that says so, then deleted,
one at a time under a lock. Whoever receives the same bytes meanwhile waits for that lock."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.retention import Prunable
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import (
    batch_prunings,
    batches,
    collected,
    parts,
    pruned_files,
    sources,
    trials,
)

# none: nobody means to delete it. marked: it is kept after all. deleted: it was, before.
Kept = Literal["none", "marked", "deleted"]


class PrunedFiles:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def mark(self, sha256s: Collection[str]) -> int:
        """Those among them that nothing refers to any more are to be deleted; how many. Call it
        behind whatever took the last reference away, in its transaction."""
        needed = self._find_needed(sha256s)
        rows = [
            {"sha256": one, "state": "marked", "marked_at": self._now}
            for one in sorted(set(sha256s) - needed)
        ]
        if rows:
            into = (postgresql.insert if is_postgresql(self._connection) else sqlite.insert)(
                pruned_files
            )
            again = {"state": "marked", "marked_at": self._now, "deleted_at": None}
            self._connection.execute(
                into.on_conflict_do_update(index_elements=["sha256"], set_=again), rows
            )
        return len(rows)

    def find_marked(self, limit: int, after: str = "") -> list[str]:
        query = (
            select(pruned_files.c.sha256)
            .where(pruned_files.c.state == "marked", pruned_files.c.sha256 > after)
            .order_by(pruned_files.c.sha256)
            .limit(limit)
        )
        return list(self._connection.execute(query).scalars())

    def count_marked(self) -> int:
        query = select(func.count()).where(pruned_files.c.state == "marked")
        return self._connection.execute(query).scalar_one()

    def lock_marked(self, sha256: str) -> bool:
        """Whether it is still to be deleted; if so it is this transaction's to delete. A mark of
        something that is needed after all is taken away."""
        own = pruned_files.c.sha256 == sha256
        locked = select(pruned_files.c.state).where(own).with_for_update(skip_locked=True)
        if self._connection.execute(locked).scalar_one_or_none() != "marked":
            return False
        if self._find_needed([sha256]):
            self._connection.execute(delete(pruned_files).where(own))
            return False
        return True

    def settle(self, sha256: str) -> None:
        """It is deleted."""
        self._connection.execute(
            update(pruned_files)
            .where(pruned_files.c.sha256 == sha256)
            .values(state="deleted", deleted_at=self._now)
        )

    def keep(self, sha256: str) -> Kept:
        """These bytes are needed, from this transaction on: nobody deletes them any more. Where
        they were deleted before, whether they are there again is the caller's to look."""
        own = pruned_files.c.sha256 == sha256
        taken = delete(pruned_files).where(own).returning(pruned_files.c.state)
        found: Kept | None = self._connection.execute(taken).scalar_one_or_none()
        return found or "none"

    def forget_deleted(self, before: datetime) -> int:
        """Rows of files that were deleted long ago: nobody can be receiving them since then."""
        old = (pruned_files.c.state == "deleted") & (pruned_files.c.deleted_at < before)
        return self._connection.execute(delete(pruned_files).where(old)).rowcount

    def _find_needed(self, sha256s: Collection[str]) -> set[str]:
        """Those that a batch, a dry run, something unpacked, or an item that was refused and kept
        still refers to."""
        wanted = list(sha256s)
        if not wanted:
            return set()
        # By source, as that is how batches are indexed.
        received = (
            select(batches.c.sha256)
            .join(sources, sources.c.id == batches.c.source_id)
            .where(batches.c.sha256.in_(wanted), ~is_pruned("bytes", batches.c.number))
        )
        unpacked = select(parts.c.content).where(
            parts.c.content.in_(wanted), ~is_pruned("unpacked", parts.c.batch_number)
        )
        found: set[str] = set()
        for query in (
            received,
            unpacked,
            select(trials.c.sha256).where(trials.c.sha256.in_(wanted)),
            select(trials.c.receipt).where(trials.c.receipt.in_(wanted)),
            select(collected.c.sha256).where(
                collected.c.sha256.in_(wanted), collected.c.state == "refused"
            ),
        ):
            found.update(self._connection.execute(query).scalars())
        return found


def is_pruned(what: Prunable, batch_number: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(
        batch_prunings.c.batch_number == batch_number, batch_prunings.c.what == what
    )
