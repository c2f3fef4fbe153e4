"""Judges the records of a file by a profile: on the terms of a registered source, or of none.

Without a source no register is asked. Everything is judged as a load would, but for what is said
of organisations (area ORG: whether they exist, were open, and may be submitted for) and of a
national reference sent back.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

import msgspec

from gateway.adapters.limits import Limits
from gateway.pipeline.feeds import FeedTerms
from gateway.pipeline.judge import Judge, make_submission
from gateway.pipeline.read import FeedReading
from gateway.pipeline.unpack import OpenFeed, open_contents
from gateway.profiles.header_names import find_header_names
from gateway.wrapped_mapper import WrappedMapper
from mappers.profile_model import Profile
from mappers.profile_read import ProfileMapper
from schemas.catalogue import mapping
from schemas.errors import WrongUseError
from schemas.event import NationalEvent
from schemas.finding import Finding, has_error
from schemas.record import Mapped, SourceRecord
from schemas.submission import Organisation, Source
from store.raw_files import RawFiles

NOT_ASKED: Final = (
    "Whether organisations are in the register, were open and may be submitted for is not asked"
    " without --source."
)
_NEEDS_A_SOURCE: Final = ("ORG-", mapping.FOREIGN_REFERENCE.code)


class Told(msgspec.Struct, frozen=True):
    """One record, and what became of it. ``mapped`` is None where it could not be read; ``event``
    is the one that would be loaded, or what there is of it."""

    record: SourceRecord
    mapped: Mapped | None
    event: NationalEvent | None
    findings: tuple[Finding, ...]

    @property
    def is_rejected(self) -> bool:
        return self.event is None or has_error(self.findings)


class Judging:
    """Reads and judges files by one profile. ``source`` and ``register`` are those of the gateway,
    or None where nothing is to be asked of organisations."""

    def __init__(
        self,
        profile: Profile,
        *,
        limits: Limits,
        received_at: datetime,
        source: Source | None = None,
        register: Mapping[str, Organisation] | None = None,
    ) -> None:
        self.profile = profile
        self.has_source = source is not None
        self._source = _make_source(profile, source)
        self._limits = limits
        self._terms = FeedTerms(profile.format, profile, limits)
        self.mapper = _Remembering(
            ProfileMapper(
                profile,
                strict=self._source.strict,
                default_version=self._source.taxonomy_version,
            )
        )
        submission = make_submission(self._source, received_at, register or {})
        self._judge = Judge(self.mapper, submission)
        self.columns: list[str] = []
        self._findings: list[list[Finding]] = []

    @property
    def findings(self) -> list[Finding]:
        """What was found of the file as a whole, as far as it was read."""
        return [finding for found in self._findings for finding in found]

    def read(self, stream: BinaryIO) -> Iterator[Told]:
        """The records of a file, packed or not, judged; memory flat. Then ``findings`` tells what
        is to be said of the file, and ``columns`` all columns of a CSV."""
        with TemporaryDirectory() as folder:
            feed = open_contents(self._terms, stream, RawFiles(Path(folder)))
            reading = FeedReading(feed)
            self._findings = [feed.findings, reading.findings]
            self.columns = list(self._find_columns(feed))
            for record in reading:
                yield self.judge(record)

    def _find_columns(self, feed: OpenFeed) -> dict[str, None]:
        names: dict[str, None] = {}
        for content in feed.contents:
            if content.shape == "csv":
                with feed.open(content) as stream:
                    found = find_header_names(stream, self.profile, self._limits)
                    names |= dict.fromkeys(found)
        return names

    def judge(self, record: SourceRecord) -> Told:
        self.mapper.last = None
        judged = self._judge.judge(record)
        findings = judged.findings
        if not self.has_source:
            findings = tuple(
                finding for finding in findings if not finding.code.startswith(_NEEDS_A_SOURCE)
            )
        mapped = self.mapper.last
        event = mapped.event if mapped else None
        if judged.acceptance is not None:
            event = judged.acceptance.event
        return Told(record, mapped, event, findings)


class _Remembering(WrappedMapper):
    """A mapper that keeps what it made of the last record, so that nothing is mapped twice."""

    last: Mapped | None = None

    def map_record(self, record: SourceRecord) -> Mapped:
        self.last = super().map_record(record)
        return self.last


def _make_source(profile: Profile, source: Source | None) -> Source:
    if source is None:
        return Source(id="none", organisation="", format=profile.format, profile=profile.name)
    if source.format != profile.format:
        raise WrongUseError(
            f"source {source.id} sends {source.format},"
            f" and profile {profile.name} reads {profile.format}"
        )
    return msgspec.structs.replace(source, profile=profile.name)
