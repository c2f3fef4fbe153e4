"""Takes away rows that have served: expired tokens, old counts. No change of state, so it leaves
nothing in the audit log."""

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

# A few at a time: whoever prunes does so on the way to something else.
MOST = 500


def prune(connection: Connection, table: Table, is_over: ColumnElement[bool]) -> None:
    """Rows that another transaction prunes at this moment are left to it: two that wait for each
    other would be a deadlock."""
    key = tuple_(*table.primary_key.columns)
    over = select(*table.primary_key.columns).where(is_over).limit(MOST)
    connection.execute(delete(table).where(key.in_(over.with_for_update(skip_locked=True))))
