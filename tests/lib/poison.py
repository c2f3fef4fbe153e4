"""Poison: our own code fails over one record of a feed, at any place of the way, with a text that
quotes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import text

from gateway.adapters import (
    csv_lines,
    csv_rows,
    fhir_json,
    fhir_xml,
    json_lines,
    json_records,
    xml_records,
    xml_stream,
)
from gateway.pipeline import judge
from mappers.fhir_read import FhirMapper
from mappers.profile_read import ProfileMapper
from tests.lib.databases import make_engine

SECRET = "Zebrafinch fell from bed 14"
_Numbers = Callable[[int], bool]


def poison_reader(patch: pytest.MonkeyPatch, is_bad: _Numbers) -> None:
    """Of every shape."""
    for owner, name in (
        (fhir_json, "read_event"),
        (fhir_json, "_read_entry"),
        (xml_records, "_make_record"),
        (json_records._RecordMaker, "_make"),
        (csv_rows.Rows, "_make_record"),
    ):
        _spoil(patch, owner, name, lambda given: next(x for x in given if type(x) is int), is_bad)
    _spoil(patch, fhir_xml._RecordMaker, "_make", lambda given: given[0]._number, is_bad)


def poison_mapper(patch: pytest.MonkeyPatch, is_bad: _Numbers) -> None:
    for mapper in (FhirMapper, ProfileMapper):
        _spoil(patch, mapper, "map_record", lambda given: given[1].number, is_bad)


def poison_rules(patch: pytest.MonkeyPatch, is_bad: _Numbers) -> None:
    _spoil_behind_mapper(patch, "validate_event", is_bad)


def poison_encoder(patch: pytest.MonkeyPatch, is_bad: _Numbers) -> None:
    _spoil_behind_mapper(patch, "encode_event", is_bad)


POISONS = {
    "reader": poison_reader,
    "mapper": poison_mapper,
    "rules": poison_rules,
    "encoder": poison_encoder,
}


def _spoil_behind_mapper(patch: pytest.MonkeyPatch, name: str, is_bad: _Numbers) -> None:
    """Of the record that was mapped last."""
    last = [0]

    def remember(given: Any) -> int:
        last[0] = given[1].number
        return 0

    for mapper in (FhirMapper, ProfileMapper):
        _spoil(patch, mapper, "map_record", remember, lambda _: False)
    _spoil(patch, judge, name, lambda _: last[0], is_bad)


def _spoil(
    patch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    find_number: Callable[[Any], int],
    is_bad: _Numbers,
) -> None:
    kept = getattr(owner, name)

    def fail(*given: Any, **named: Any) -> Any:
        if is_bad(find_number(given)):
            raise KeyError(SECRET)
        return kept(*given, **named)

    patch.setattr(owner, name, fail)


def break_frames(patch: pytest.MonkeyPatch, marker: bytes) -> None:
    """What takes a feed apart fails over what holds the marker, before there is any record of it:
    over a line of a CSV, a line of NDJSON that is too long, an element of XML that was given (it is
    the next one that does not come)."""
    take_line, clear, skip = csv_lines.Lines.__next__, xml_stream._clear, json_lines._skip_line

    def fail_line(lines: csv_lines.Lines) -> str:
        line = take_line(lines)
        check(line.encode())
        return line

    def fail_clear(element: Any) -> None:
        check(etree.tostring(element))
        clear(element)

    def fail_skip(stream: Any, start: bytes, left: int) -> Any:
        # Some of the line is read by then.
        stream.readline(min(10, left))
        check(start)
        return skip(stream, start, left)

    def check(found: bytes) -> None:
        if marker in found:
            raise KeyError(SECRET)

    patch.setattr(csv_lines.Lines, "__next__", fail_line)
    patch.setattr(xml_stream, "_clear", fail_clear)
    patch.setattr(json_lines, "_skip_line", fail_skip)


@contextmanager
def refusing(url: str, condition: str, code: str = "23514") -> Iterator[None]:
    """The database refuses revisions of which the condition (on ``NEW``) holds; PostgreSQL by this
    SQLSTATE."""
    engine = make_engine(url)
    is_sqlite = url.startswith("sqlite")
    made = _ON_SQLITE if is_sqlite else _ON_POSTGRESQL
    dropped = "DROP TRIGGER refuse" + ("" if is_sqlite else " ON revisions")
    try:
        with engine.begin() as connection:
            for statement in made:
                connection.execute(
                    text(statement.format(condition=condition, secret=SECRET, code=code))
                )
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text(dropped))
        engine.dispose()


# What SQLite says of a constraint is the constraint's own text, never a row's.
_ON_SQLITE = (
    (
        "CREATE TRIGGER refuse BEFORE INSERT ON revisions WHEN {condition}"
        " BEGIN SELECT RAISE(ABORT, 'refused'); END"
    ),
)
_ON_POSTGRESQL = (
    (
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE SQLSTATE '{code}' USING MESSAGE = '{secret}'; END $$"
    ),
    (
        "CREATE TRIGGER refuse BEFORE INSERT ON revisions FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION refuse()"
    ),
)
