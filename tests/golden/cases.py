"""The samples: a folder holds an input and what must come out of it.

``input.*`` is a feed. ``expected.json`` is its receipt, without what differs from run to run, and
the national event of each record (left out for feeds of more than ``MOST_EVENTS`` records).
``profiles/<profile>/feed.*`` is the sample of a mapping profile. Its events, whatever their number,
stand in ``feed.events.ndjson``: a line a record, with what was derived and its findings in brief.
``input.event.json`` is given to validation directly: what it would say if no mapper had said it
before.
``case.json``, where there is one, says what is special about the source or the settings, and why.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import msgspec

from gateway.adapters.limits import Limits
from gateway.bootstrap import Gateway
from gateway.pipeline.check import check_feed
from gateway.pipeline.decide import discard_batch
from gateway.pipeline.feeds import make_feed_terms, make_mapper
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.judge import make_submission
from gateway.pipeline.read import FeedReading
from gateway.pipeline.register import add_source
from gateway.pipeline.unpack import open_contents
from gateway.profiles.judging import Judging
from gateway.receipts.build import word_finding
from gateway.receipts.read import open_receipt
from mappers.profile_load import make_shelf
from schemas.event import NationalEvent
from schemas.receipt import Receipt
from schemas.submission import FeedFormat, OnBreak, Source
from store.raw_files import RawFiles
from tests.lib.line import NOW, read_register
from validation.validate import validate_event

SAMPLES = Path("samples")
MOST_EVENTS = 5
DIRECT = "input.event.json"
FORMATS = ("fhir", "xml", "csv")
OF_PROFILES = "profiles"
_PROFILE_FILE = "profile.yaml"
_NO_FEEDS = ("expected.json", "case.json", "events.ndjson")
_VOLATILE = ("batch_id", "received_at")


class Special(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``case.json``. By default the source is registered for everybody in the sample register.
    ``profile`` is one on the shelf, or the path of a YAML file from the case's folder. ``limits``
    are settings, such as ``max_record_bytes``. ``discarded``: the batch is stored, held, and
    discarded."""

    format: FeedFormat | None = None
    organisation: str = "RZA"
    profile: str | None = None
    strict: bool = False
    submits_for: list[str] | None = None
    on_break: OnBreak = "wait"
    limits: dict[str, int] = {}
    discarded: bool = False
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
    def events(self) -> Path | None:
        """Where the events of a profile's sample stand."""
        top = self.folder.relative_to(SAMPLES).parts[0]
        return self.folder / f"{self.input.stem}.events.ndjson" if top == OF_PROFILES else None

    @property
    def format(self) -> FeedFormat:
        """As the case says, else by the folder: ``samples/fhir-xml`` is FHIR; else by the name."""
        if self.special.format is not None:
            return self.special.format
        top = self.folder.relative_to(SAMPLES).parts[0].partition("-")[0]
        if top in FORMATS:
            return top  # type: ignore[return-value]
        by_name: dict[str, FeedFormat] = {".csv": "csv", ".xml": "xml"}
        if self.profile is not None:
            by_name[".json"] = by_name[".ndjson"] = "json"
        return by_name.get(self.input.suffix, "fhir")

    @property
    def profile(self) -> str | Path | None:
        """The name of a profile, or its file. A profile's sample lies in a folder of its name."""
        given = self.special.profile
        if given is not None and given.endswith(".yaml"):
            return (self.folder / given).resolve().relative_to(Path.cwd())
        if given is None and self.events is not None:
            own = self.folder / _PROFILE_FILE
            return own if own.exists() else self.folder.name
        return given


def find_cases() -> list[Case]:
    inputs = [*SAMPLES.glob("**/input.*"), *SAMPLES.glob("*/demo/*")]
    inputs += SAMPLES.glob(f"{OF_PROFILES}/*/feed.*")
    feeds = (path for path in inputs if not path.name.endswith(_NO_FEEDS))
    return [
        Case(path.parent, path, _read_special(path.parent / "case.json")) for path in sorted(feeds)
    ]


def _read_special(path: Path) -> Special:
    return msgspec.json.decode(path.read_bytes(), type=Special) if path.exists() else Special()


class Outcome(msgspec.Struct, frozen=True):
    """One record of a profile's sample. ``event`` is what would be loaded, or what there is of it;
    ``findings`` are their codes and paths, source path included."""

    number: int
    local_id: str | None
    event: NationalEvent | None
    derived: tuple[str, ...]
    findings: list[tuple[str, str, str]]


class Result(msgspec.Struct, frozen=True):
    """What ``expected.json`` would hold, and the lines of the events where they stand apart."""

    expected: dict[str, Any]
    events: list[bytes] = []


def run_case(gateway: Gateway, case: Case) -> Result:
    """The receipt and the events, as plain JSON; nothing is stored but the source, and a batch that
    is discarded."""
    if case.input.name == DIRECT:
        return Result(_run_directly(gateway, case))
    settings = gateway.settings.model_copy(update=case.special.limits)
    gateway = replace(gateway, settings=settings)
    if isinstance(case.profile, Path):
        gateway = replace(gateway, profiles=make_shelf(_find_shelf(case.profile)))
    source = _register(gateway, case)
    content = case.input.read_bytes()
    tell = _discard if case.special.discarded else check_feed
    receipt = tell(gateway, source.id, io.BytesIO(content), filename=case.input.name)
    plain = msgspec.to_builtins(receipt)
    expected: dict[str, Any] = {
        "receipt": {key: value for key, value in plain.items() if key not in _VOLATILE}
    }
    if case.events is not None:
        return Result(
            expected, list(map(msgspec.json.encode, _judge_all(gateway, source, content)))
        )
    if receipt.counts.records <= MOST_EVENTS:
        expected["events"] = msgspec.to_builtins(list(_map_all(gateway, source, content)))
    return Result(expected)


def _discard(gateway: Gateway, source_id: str, stream: BinaryIO, *, filename: str) -> Receipt:
    batch, _ = ingest_feed(gateway, source_id, stream, filename=filename)
    discard_batch(gateway, batch.id, "the sample of it")
    with open_receipt(gateway, batch.id) as receipt:
        return msgspec.structs.replace(receipt.head, records=list(receipt.records))


def _find_shelf(path: Path) -> Path:
    return path.parent.parent if path.name == _PROFILE_FILE else path.parent


def _name_of(profile: str | Path | None) -> str | None:
    if isinstance(profile, Path):
        return profile.parent.name if profile.name == _PROFILE_FILE else profile.stem
    return profile


def _judge_all(gateway: Gateway, source: Source, content: bytes) -> Iterator[Outcome]:
    judging = Judging(
        gateway.profiles.load(source.profile or ""),
        limits=gateway.settings.limits,
        received_at=NOW,
        source=source,
        register={one.code: one for one in read_register()},
    )
    for told in judging.read(io.BytesIO(content)):
        mapped = told.mapped
        yield Outcome(
            number=told.record.number,
            local_id=mapped.local_id if mapped else told.record.local_id,
            event=told.event,
            derived=mapped.derived if mapped else (),
            findings=[(one.code, one.path, one.source_path) for one in told.findings],
        )


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
    usual = None if case.format == "fhir" else f"lrms-{case.format}"
    source = Source(
        id=f"case-{case.name.lower().replace('/', '-')}"[:64],
        organisation=special.organisation,
        format=case.format,
        profile=_name_of(case.profile) or usual,
        submits_for=everybody if special.submits_for is None else frozenset(special.submits_for),
        strict=special.strict,
        on_break=special.on_break,
    )
    add_source(gateway, source)
    return source


def _map_all(gateway: Gateway, source: Source, content: bytes) -> Iterator[NationalEvent | None]:
    mapper = make_mapper(source, make_feed_terms(source, gateway.profiles, Limits()))
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    with TemporaryDirectory() as folder:
        feed = open_contents(terms, io.BytesIO(content), RawFiles(Path(folder)))
        for record in FeedReading(feed):
            yield mapper.map_record(record).event if record.content is not None else None


def write_json(value: object) -> bytes:
    """Readable, and the same for the same value."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
