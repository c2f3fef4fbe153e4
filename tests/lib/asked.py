"""Requests about single events as the API hands them on, and what they leave in the store."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import select

from schemas.asked import Answer, Asked
from store import tables
from tests.lib.api import SOURCE
from tests.lib.api_calls import encode, write_event
from tests.lib.databases import make_engine, read_rows
from tests.lib.events import STORY

NOBODY = {"PractitionerDetails": {"ReporterType": "3", "ReporterOrganisation": "RZC"}}


def ask(body: Any, number: int = 0, **changes: Any) -> Asked:
    """``number`` makes the request one of its own."""
    content = body if isinstance(body, bytes) else encode(body)
    given: dict[str, Any] = {
        "source_id": SOURCE.id,
        "body": content,
        "request_id": f"r-{number}",
        "nonce": number.to_bytes(16, "big"),
    }
    return Asked(**given | changes)


def draw_requests(chance: random.Random, known: Sequence[int]) -> list[Asked]:
    """Creates, repeats, revisions by identifier, updates under conditions, what is rejected,
    unreadable, refused."""
    made: list[Asked] = []
    names = [f"IN-{number}" for number in range(6)]
    for number in range(30):
        story = f"{STORY} {chance.choice('ABC')}"
        kind = chance.randrange(10)
        key = f"key-{number}" if chance.random() < 0.3 else None
        if kind < 3:
            body = write_event(name=chance.choice(names), narrative=story)
            made.append(ask(body, number, key=key))
        elif kind == 3:
            made.append(ask(write_event(narrative=story), number, key=key))
        elif kind == 4 and made:
            made.append(structs.replace(chance.choice(made), key=None, request_id=f"r-{number}"))
        elif kind < 7:
            place = chance.randrange(len(known))
            body = write_event(name=f"known-{place}", narrative=story)
            expected = chance.choice([None, 1, 2])
            made.append(ask(body, number, event_id=known[place], expected=expected, key=key))
        elif kind == 7:
            name = chance.choice([*names, "known-0"])
            body = write_event(name=name, narrative=story)
            made.append(ask(body, number, only_new=name))
        elif kind == 8:
            bad = chance.choice([b"{", encode(write_event(narrative="Fell."))])
            made.append(ask(bad, number, key=key))
        else:
            refused = write_event(name=chance.choice(names), **NOBODY)
            made.append(ask(refused, number, key=key))
    return made


def read_by_batch(url: str) -> dict[str, Counter[tuple[Any, ...]]]:
    """What is stored, with the ids of batches for their numbers, which depend on the grouping."""
    engine = make_engine(url)
    with engine.connect() as connection:
        numbers = connection.execute(select(tables.batches.c.number, tables.batches.c.id))
        ids = {row.number: row.id for row in numbers}
    engine.dispose()
    named = ("batch_number", "seen_batch", "first_batch")
    left_out = {"number"} | {
        *("received_at", "finished_at", "created_at", "updated_at", "recorded_at", "at")
    }
    found = {}
    for table in (
        *(tables.events, tables.revisions, tables.receipt_lines, tables.findings, tables.marks),
        *(tables.alerts, tables.patients, tables.event_search, tables.bodies),
        *(tables.idempotency_keys, tables.batches, tables.audit),
    ):
        # The number of a revision, a line or a patient says something; that of a row does not.
        skipped = (
            left_out - {"number"} if table.primary_key.columns.keys() != ["number"] else left_out
        )
        found[table.name] = Counter(
            tuple(
                (name, ids[value] if name in named and value in ids else value)
                for name, value in row._mapping.items()
                if name not in skipped
            )
            for row in read_rows(url, table)
            # Keys have ids of their own in each database.
            if getattr(row, "action", "") != "key.added"
        )
    return found


def assert_same_answer(one: Answer, other: Answer) -> None:
    # Whether it was there as the group began, or came with it: it was there.
    if {one.state, other.state} <= {"exists", "known"}:
        assert one.version is not None
        assert other.version is not None
        assert other.version.event_id == one.version.event_id
    else:
        assert other == one
