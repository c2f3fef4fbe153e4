"""Whose a key is, is asked once however many requests come with it at that moment."""

import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from gateway.api.asking import Asking
from schemas.identity import SCOPES, Caller

CALLER = Caller(source_id="ward-system", organisation="RZA", scopes=frozenset(SCOPES))


class Database:
    """Answers once it is let go on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = Event()
        self.fails = False

    def find(self, secret: str) -> Caller | None:
        self.asked.append(secret)
        assert self.go_on.wait(300)
        if self.fails:
            raise OSError("no database")
        return CALLER if secret == "good" else None


async def ask_at_once(
    database: Database, secrets: Sequence[str], *, joins: bool = True
) -> list[Caller | None]:
    asking = Asking(joins=joins)
    asked = [asyncio.ensure_future(asking.ask(database.find, secret)) for secret in secrets]
    await asyncio.sleep(0)  # each has begun
    database.go_on.set()
    return await asyncio.gather(*asked)


def test_many_with_one_key_ask_once() -> None:
    database = Database()
    assert asyncio.run(ask_at_once(database, ["good"] * 20)) == [CALLER] * 20
    assert database.asked == ["good"]


def test_each_key_is_asked_for_itself() -> None:
    database = Database()
    secrets = ["good", "bad", "good", "worse"]
    assert asyncio.run(ask_at_once(database, secrets)) == [CALLER, None, CALLER, None]
    assert sorted(database.asked) == ["bad", "good", "worse"]


def test_where_nothing_is_remembered_every_request_asks() -> None:
    database = Database()
    assert asyncio.run(ask_at_once(database, ["good"] * 4, joins=False)) == [CALLER] * 4
    assert database.asked == ["good"] * 4


def test_a_failure_is_told_to_all_and_not_remembered() -> None:
    database = Database()
    database.fails = True

    async def fail_and_ask_again() -> Caller | None:
        asking = Asking(joins=True)
        first, second = (asyncio.ensure_future(asking.ask(database.find, "good")) for _ in "ab")
        await asyncio.sleep(0)
        database.go_on.set()
        for one in (first, second):
            with pytest.raises(OSError, match="no database"):
                await one
        database.fails = False
        return await asking.ask(database.find, "good")

    assert asyncio.run(fail_and_ask_again()) == CALLER


def test_who_asked_first_may_go_away() -> None:
    database = Database()

    async def go_away() -> Caller | None:
        asking = Asking(joins=True)
        first = asyncio.ensure_future(asking.ask(database.find, "good"))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(asking.ask(database.find, "good"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        database.go_on.set()
        return await second

    assert asyncio.run(go_away()) == CALLER
    assert database.asked == ["good"]


def test_later_requests_ask_anew() -> None:
    database = Database()
    database.go_on.set()

    async def ask_twice() -> None:
        asking = Asking(joins=True)
        for _ in range(2):
            await asking.ask(database.find, "good")

    asyncio.run(ask_twice())
    assert database.asked == ["good", "good"]
