"""The samples: a folder holds an input and what must come out of it.

``input.*`` is a feed. ``expected.json`` is its receipt, without what differs from run to run, and
the national event of each record (left out for feeds of more than ``MOST_EVENTS`` records).
``input.event.json`` is given to validation directly: what it would say if no mapper had said it
before.
``case.json``, where there is one, says what is special about the source or the settings, and why.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.shapes import find_shape
from gateway.bootstrap import Gateway
from gateway.pipeline.check import check_feed
from gateway.pipeline.feeds import make_mapper, read_records
from gateway.pipeline.judge import make_submission
from gateway.pipeline.register import add_source
from gateway.receipts.build import word_finding
from schemas.batch import Part
from schemas.event import NationalEvent
from schemas.submission import Source
from tests.lib.line import NOW, read_register
from validation.validate import validate_event

SAMPLES = Path("samples")
MOST_EVENTS = 5
DIRECT = "input.event.json"
FORMATS = ("fhir", "xml", "csv")
_VOLATILE = ("batch_id", "received_at")


class Special(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``case.json``. By default the source is registered for everybody in the sample register."""

    format: Literal["fhir", "xml", "csv"] | None = None
    organisation: str = "RZA"
    profile: str | None = None
    strict: bool = False
    submits_for: list[str] | None = None
    max_record_bytes: int | None = None
    why: str = ""


class Case(msgspec.Struct, frozen=True):
    folder: Path
    input: Path
    special: Special

    @property
    def name(self) -> str:
        name = self.folder.relative_to(SAMPLES).as_posix()
        return f"{name}/{self.input.name}" if self.is_one_of_many else name

    @property
    def is_one_of_many(self) -> bool:
        """A demo folder holds several feeds, each with an expectation of its own."""
        return not self.input.name.startswith("input.")

    @property
    def expected(self) -> Path:
        if self.is_one_of_many:
            return self.folder / f"{self.input.stem}.expected.json"
        return self.folder / "expected.json"

    @property
    def format(self) -> str:
        """As the case says, else by the folder: ``samples/fhir-xml`` is FHIR; else by the name."""
        if self.special.format is not None:
            return self.special.format
        top = self.folder.relative_to(SAMPLES).parts[0].partition("-")[0]
        if top in FORMATS:
            return top
        return {".csv": "csv", ".xml": "xml"}.get(self.input.suffix, "fhir")


def find_cases() -> list[Case]:
    inputs = [*SAMPLES.glob("**/input.*"), *SAMPLES.glob("*/demo/*")]
    feeds = (path for path in inputs if not path.name.endswith(("expected.json", "case.json")))
    return [
        Case(path.parent, path, _read_special(path.parent / "case.json")) for path in sorted(feeds)
    ]


def _read_special(path: Path) -> Special:
    return msgspec.json.decode(path.read_bytes(), type=Special) if path.exists() else Special()


def run_case(gateway: Gateway, case: Case) -> dict[str, Any]:
    """The receipt and the events, as plain JSON; nothing is stored but the source."""
    if case.input.name == DIRECT:
        return _run_directly(gateway, case)
    if case.special.max_record_bytes is not None:
        settings = gateway.settings.model_copy(
            update={"max_record_bytes": case.special.max_record_bytes}
        )
        gateway = replace(gateway, settings=settings)
    source = _register(gateway, case)
    content = case.input.read_bytes()
    receipt = check_feed(gateway, source.id, io.BytesIO(content), filename=case.input.name)
    plain = msgspec.to_builtins(receipt)
    result: dict[str, Any] = {
        "receipt": {key: value for key, value in plain.items() if key not in _VOLATILE}
    }
    if receipt.counts.records <= MOST_EVENTS:
        result["events"] = msgspec.to_builtins(list(_map_all(gateway, source, content)))
    return result


def _run_directly(gateway: Gateway, case: Case) -> dict[str, Any]:
    """What validation says of a national event that no mapper would let through to it."""
    source = _register(gateway, case)
    register = {one.code: one for one in read_register()}
    event = msgspec.json.decode(case.input.read_bytes(), type=NationalEvent)
    findings = validate_event(event, make_submission(source, NOW, register))
    return {"findings": [msgspec.to_builtins(word_finding(finding)) for finding in findings]}


def _register(gateway: Gateway, case: Case) -> Source:
    """A source of the case's own, so that no two share an event."""
    with gateway.store.read() as work:
        everybody = frozenset(work.organisations.get_register())
    special = case.special
    profile = special.profile or (None if case.format == "fhir" else f"lrms-{case.format}")
    source = Source(
        id=f"case-{case.name.lower().replace('/', '-')}"[:64],
        organisation=special.organisation,
        format=case.format,
        profile=profile,
        submits_for=everybody if special.submits_for is None else frozenset(special.submits_for),
        strict=special.strict,
    )
    add_source(gateway, source)
    return source


def _map_all(gateway: Gateway, source: Source, content: bytes) -> Iterator[NationalEvent | None]:
    limits = gateway.settings.limits
    shelf = gateway.profiles
    stream, mapper = io.BytesIO(content), make_mapper(source, shelf)
    part = Part(batch_number=0, number=0, start=0, end=len(content))
    try:
        shape = find_shape(stream, source.format, limits=limits)
        stream.seek(0)
        for record in read_records(stream, shape, source, part, shelf=shelf, limits=limits):
            yield mapper.map_record(record).event if record.content is not None else None
    except BrokenFeed:
        return


def write_json(value: object) -> bytes:
    """Readable, and the same for the same value."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
