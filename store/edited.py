"""What operators' edits changed: content, that goes with the bytes of the record it was made on.
Who edited it why stays."""

from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, select, update

from store.pruned_files import is_pruned
from store.tables import edits

# In the place of a diff that is pruned; an edit that changed nothing says ``[]``.
PRUNED: Final = "null"


def has_diff() -> ColumnElement[bool]:
    """As text: PostgreSQL compares no JSON."""
    return cast(edits.c.diff, Text) != PRUNED


def select_left() -> Select[tuple[int, int, int]]:
    """Edits that still tell of a record whose bytes are pruned: made since, or before edits were
    pruned with them."""
    key = (edits.c.batch_number, edits.c.record_number, edits.c.correction_batch)
    left = has_diff() & is_pruned("bytes", edits.c.batch_number)
    return select(*key).where(left).order_by(*key)


def empty_edits(connection: Connection, chosen: ColumnElement[bool]) -> int:
    """How many said something until now."""
    emptied = update(edits).where(chosen, has_diff()).values(diff=PRUNED)
    return connection.execute(emptied).rowcount
