"""Single requests about which everything is new, loaded in one statement by the event loop that
took them in: without a thread, and without the ways there and back of a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from schemas.single import Single, SingleOutcome
from store.failures import translated
from store.partitions import FIND_YEARS, UNDATED, keep_own, read_years
from store.reservations import Wanted
from store.single_inserting import Insertion, make_insertion

_CONNECT_SECONDS: Final = 10


class AtOnce:
    """One connection, opened when it is first used, and anew after it broke. For one event loop,
    and one call at a time."""

    def __init__(self, address: Mapping[str, Any], *, actor: str) -> None:
        self._address = address
        self._actor = actor
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._years = {UNDATED}

    async def load_new(
        self, singles: Sequence[Single], keys: Mapping[str, Wanted], now: datetime
    ) -> list[SingleOutcome] | None:
        """What became of each, in their order, and of no two of one batch, event or key: all is
        committed. ``keys``: the Idempotency-Keys, by batch id. None, and nothing is stored, where
        a batch, an event or a key is there already, or where more is to be done than to insert:
        then ``store.singles`` is to.

        ``UnavailableError`` where the database did not answer: it may be stored all the same."""
        insertion = make_insertion(singles, keys, actor=self._actor, now=now)
        if insertion is None:
            return None
        with translated():
            try:
                return await self._insert(insertion)
            except psycopg.errors.UniqueViolation:
                return None
            except psycopg.Error:
                await self.close()
                raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _insert(self, insertion: Insertion) -> list[SingleOutcome] | None:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                **self._address, autocommit=True, connect_timeout=_CONNECT_SECONDS
            )
        async with self._connection.cursor() as cursor:
            if keep_own(insertion.years) - self._years:
                self._years |= read_years(await (await cursor.execute(FIND_YEARS)).fetchall())
                if keep_own(insertion.years) - self._years:
                    return None
            await cursor.execute(insertion.statement, insertion.parameters)
            return insertion.read(await cursor.fetchall())
