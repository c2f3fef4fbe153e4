"""Source beside result: some records of a file, each field with what became of it.

It shows content on purpose, to the person who makes a profile; nothing of it is logged or kept.
"""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final, Literal

import msgspec

from gateway.profiles.field_uses import FieldUses, Use, UseKind
from gateway.profiles.judging import Judging, Told
from gateway.profiles.spots import Spot, Spots
from gateway.profiles.trace import Tracing, find_value
from gateway.receipts.build import word_finding
from mappers.profile_model import Profile
from schemas.event import NationalEvent, Value
from schemas.finding import Finding
from schemas.receipt import ReceiptFinding
from schemas.record import Mapped
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS, get_taxonomy

Mark = Literal["derived", "constant"]
LEFT_OUT: Final = "the profile's condition leaves this one out"


class Given(msgspec.Struct, frozen=True):
    """A value of the event. ``label`` is the taxonomy's, of a code."""

    element: str
    value: str
    label: str = ""
    mark: Mark | None = None


class PreviewField(msgspec.Struct, frozen=True):
    """A field of the record, ``path`` its place there. ``reason``: why it is ignored."""

    path: str
    texts: list[str]
    use: UseKind
    gives: list[Given] = []
    reason: str = ""
    findings: list[ReceiptFinding] = []


class PreviewRecord(msgspec.Struct, frozen=True):
    """``added`` stands in the event and in no field; ``findings`` are about no field."""

    number: int
    locator: str
    local_id: str | None
    is_rejected: bool
    fields: list[PreviewField] = []
    added: list[Given] = []
    findings: list[ReceiptFinding] = []


class Preview(msgspec.Struct, frozen=True):
    """``findings`` are about the file as a whole, as far as it was read."""

    profile: str
    version: str
    organisations_asked: bool
    records: list[PreviewRecord]
    findings: list[ReceiptFinding]


def make_preview(judging: Judging, stream: BinaryIO, *, first: int, count: int) -> Preview:
    """``count`` records of the file from the ``first`` (from 1) on."""
    preview = _Previewing(judging)
    chosen = (told for told in judging.read(stream) if told.record.number >= first)
    records = [preview.show(told) for told in islice(chosen, count)]
    findings = [word_finding(finding) for finding in judging.findings]
    profile = judging.profile
    return Preview(profile.name, profile.version, judging.has_source, records, findings)


class _Previewing:
    def __init__(self, judging: Judging) -> None:
        self._profile: Profile = judging.profile
        self._uses = FieldUses(judging.profile)
        self._spots = Spots(judging.profile)
        self._tracing = Tracing(judging.profile, judging.mapper)

    def show(self, told: Told) -> PreviewRecord:
        record, mapped = told.record, told.mapped
        fields: list[PreviewField] = []
        left = list(told.findings)
        if isinstance(record.content, dict) and mapped is not None:
            for spot in self._spots.iterate(record.content):
                mine = [one for one in left if spot.is_at(one.source_path)]
                left = [one for one in left if one not in mine]
                fields.append(self._show_field(told, mapped, spot, mine))
        return PreviewRecord(
            number=record.number,
            locator=record.locator,
            local_id=mapped.local_id if mapped else record.local_id,
            is_rejected=told.is_rejected,
            fields=fields,
            added=list(self._show_added(mapped, fields)),
            findings=[word_finding(one) for one in left],
        )

    def _show_field(
        self, told: Told, mapped: Mapped, spot: Spot, findings: list[Finding]
    ) -> PreviewField:
        use: Use = self._uses.find(spot.name)
        gives: list[Given] = []
        if use.targets:
            values = self._tracing.find_values(told.record, spot, use, mapped)
            for target, value in values.items():
                mark: Mark | None = "derived" if target in mapped.derived else None
                gives += _word_values(target, value, mapped.event, mark)
        return PreviewField(
            path=spot.path,
            texts=spot.texts,
            use="ignored" if spot.is_out else use.kind,
            gives=gives,
            reason=LEFT_OUT if spot.is_out else use.reason,
            findings=[word_finding(one) for one in findings],
        )

    def _show_added(self, mapped: Mapped | None, fields: list[PreviewField]) -> Iterator[Given]:
        """What no field gives by itself: constants, what a table derived, the patients' numbers."""
        if mapped is None or mapped.event is None:
            return
        there = {given.element for field in fields for given in field.gives}
        for target in _list_elements(mapped.event):
            if target not in there:
                value = find_value(mapped.event, target)
                yield from _word_values(
                    target, value, mapped.event, self._find_mark(target, mapped)
                )

    def _find_mark(self, target: str, mapped: Mapped) -> Mark | None:
        if target not in mapped.derived:
            return None
        return "constant" if target in self._profile.constants else "derived"


def _list_elements(event: NationalEvent) -> dict[str, None]:
    found: dict[str, None] = {}
    for name, group in event.groups.items():
        for one in group if isinstance(group, list) else [group]:
            found |= dict.fromkeys(f"{name}.{element}" for element in one)
    return found


def _word_values(
    target: str, value: Value | None, event: NationalEvent | None, mark: Mark | None
) -> Iterator[Given]:
    if value is None:
        return
    labels = _find_labels(target, event)
    for one in value if isinstance(value, list) else [value]:
        text = str(one).lower() if isinstance(one, bool) else str(one)
        yield Given(target, text, labels.get(text, ""), mark)


def _find_labels(target: str, event: NationalEvent | None) -> dict[str, str]:
    if target == "event_type":
        return {code: one.label for code, one in EVENT_TYPES.items()}
    if event is None or event.taxonomy_version not in TAXONOMY_VERSIONS:
        return {}
    taxonomy = get_taxonomy(event.taxonomy_version)
    group, _, element = target.partition(".")
    spec = taxonomy.find_element(group, element)
    return (taxonomy.codes_of(spec) if spec else None) or {}
