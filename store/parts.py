"""Parts of a batch: claimed with a fencing token, advanced, loaded."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from schemas.batch import Part
from schemas.errors import LostPartError, UnknownError
from schemas.statuses import PART_TRANSITIONS, PartState
from store.audit import Audit
from store.tables import batches, parts

_FIELDS = Part.__struct_fields__
_COLUMNS = [parts.c[name] for name in _FIELDS]
# From which states a part may be claimed: from all but loaded, as the transitions have it.
_CLAIMABLE = sorted(before for before, after in PART_TRANSITIONS if after == "running")


class Parts:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def find(self, batch_number: int) -> list[Part]:
        query = _select(batch_number).order_by(parts.c.number)
        return [_read(row) for row in self._connection.execute(query)]

    def claim(self, batch_number: int, number: int) -> Part:
        """Take the part over from whoever has it: the raised token shuts every earlier attempt
        out. A part that is loaded is given as it is."""
        claimed = self._connection.execute(
            update(parts)
            .where(parts.c.batch_number == batch_number, parts.c.number == number)
            .where(parts.c.state.in_(_CLAIMABLE))
            .values(state="running", token=parts.c.token + 1)
            .returning(*_COLUMNS)
        ).one_or_none()
        if claimed is None:
            query = _select(batch_number).where(parts.c.number == number)
            stored = self._connection.execute(query).one_or_none()
            if stored is None:
                raise UnknownError(f"batch {batch_number} has no part {number}")
            return _read(stored)
        part = _read(claimed)
        self._add_audit("part.claimed", part, {"token": part.token})
        return part

    def advance(self, part: Part, records_done: int, *, loaded: bool) -> Part:
        """The first statement of a chunk's transaction: it locks the part until the chunk is in.
        LostPartError unless this attempt holds the part and the store stands where it believes;
        so no chunk is loaded twice, and a paused attempt that wakes writes nothing."""
        state: PartState = "loaded" if loaded else "running"
        advanced = self._connection.execute(
            update(parts)
            .where(parts.c.batch_number == part.batch_number, parts.c.number == part.number)
            .where(parts.c.token == part.token, parts.c.state == "running")
            .where(parts.c.records_done == part.records_done)
            .values(state=state, records_done=records_done)
            .returning(*_COLUMNS)
        ).one_or_none()
        if advanced is None:
            raise LostPartError(
                f"part {part.number} of batch {self._find_batch_id(part)} was taken over by another"
                f" run, which goes on with it (this was attempt {part.token})"
            )
        action = "part.loaded" if loaded else "part.advanced"
        self._add_audit(action, part, {"token": part.token, "records_done": records_done})
        return _read(advanced)

    def _add_audit(self, action: str, part: Part, details: dict[str, Any]) -> None:
        self._audit.add(action, self._find_batch_id(part), {"part": part.number, **details})

    def _find_batch_id(self, part: Part) -> str:
        query = select(batches.c.id).where(batches.c.number == part.batch_number)
        found: str = self._connection.execute(query).scalar_one()
        return found


def _select(batch_number: int) -> Select[Any]:
    return select(*_COLUMNS).where(parts.c.batch_number == batch_number)


def _read(row: Row[Any]) -> Part:
    return Part(**dict(zip(_FIELDS, row, strict=True)))
