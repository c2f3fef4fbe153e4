"""Counts over a whole file, in bounded memory: what its fields hold and what became of them."""

from collections import Counter
from typing import Final, NamedTuple

from gateway.profiles.field_uses import FieldUses, Use
from gateway.profiles.judging import Told
from gateway.profiles.sharing import MAX_SHOWN_LENGTH, make_shape
from gateway.profiles.spots import Spot, Spots
from gateway.profiles.uncoded import Uncoded
from mappers.profile_model import Profile, find_spec
from schemas.catalogue import mapping, organisations, taxonomy
from schemas.event import NationalEvent
from schemas.finding import Finding, Severity

# Different values kept of one field, and of all fields together; different names of fields.
MAX_VALUES: Final = 10_000
MAX_ALL_VALUES: Final = 300_000
MAX_FIELDS: Final = 5_000
# How a field's values are written is told well enough by the first of them.
_SHAPED: Final = 2_000
_MAX_SHAPES: Final = 200

_HEADS: Final = ("event_type", "event_date", "narrative")
_CODED_HEADS: Final = ("event_type", "taxonomy_version")
# Said of a value that has no code; the value itself is counted at its field.
_UNCODED: Final = frozenset(
    code.code
    for code in (
        mapping.UNKNOWN_LOCAL_CODE,
        mapping.NOT_TRUE_OR_FALSE,
        taxonomy.UNKNOWN_CODE,
        taxonomy.UNKNOWN_EVENT_TYPE,
        organisations.NAME_AMBIGUOUS,
        organisations.NAME_UNKNOWN,
    )
)
# Said of a value that is no date, time or number: counted by how it is written.
_UNREADABLE: Final = frozenset(
    code.code
    for code in (
        mapping.NOT_A_PROFILE_DATE,
        mapping.TWO_DIGIT_YEAR,
        mapping.NOT_A_PROFILE_TIME,
        mapping.NOT_A_NUMBER,
        mapping.NOT_AN_AGE,
    )
)

# Findings on values, which are counted at their fields.
COUNTED: Final = _UNCODED | _UNREADABLE
_LEFT_OUT: Final = "stands only in what a condition leaves out"


class Room:
    """How many more different values may be kept, over all fields."""

    def __init__(self, left: int = MAX_ALL_VALUES) -> None:
        self.left = left


class FieldTally:
    """One field. ``filled``: records that have it. ``values`` of fields that hold codes or are not
    mapped; never of free text."""

    __slots__ = (
        "_keeps_values",
        "_room",
        "_shaped",
        "filled",
        "is_more",
        "shapes",
        "use",
        "values",
    )

    def __init__(self, use: Use, *, keeps_values: bool, room: Room) -> None:
        self.use = use
        self.filled = 0
        self.values: Counter[str] = Counter()
        self.shapes: Counter[str] = Counter()
        self.is_more = False
        self._keeps_values = keeps_values
        self._room = room
        self._shaped = 0

    def add(self, text: str) -> None:
        if self._shaped < _SHAPED:
            self._shaped += 1
            shape = make_shape(text)
            if shape in self.shapes or len(self.shapes) < _MAX_SHAPES:
                self.shapes[shape] += 1
        if not self._keeps_values:
            return
        text = text.strip()
        if text in self.values:
            self.values[text] += 1
        elif len(self.values) < MAX_VALUES and self._room.left and len(text) <= MAX_SHOWN_LENGTH:
            self._room.left -= 1
            self.values[text] = 1
        else:
            self.is_more = True


class FindingTally:
    __slots__ = ("code", "records", "severity", "times")

    def __init__(self, code: str, severity: Severity) -> None:
        self.code = code
        self.severity = severity
        self.records = 0
        self.times = 0


class Shape(NamedTuple):
    """How an unreadable value of a field is written."""

    field: str
    code: str
    shape: str


class Tally:
    """What was counted. ``columns``: all names of a CSV header, also of columns never filled.
    ``feed``: findings on the file as a whole."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.uses = FieldUses(profile)
        self.records = self.mapped = self.rejected = self.unreadable = 0
        self.fields: dict[str, FieldTally] = {}
        self.columns: list[str] = []
        self.versions: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self.derived: Counter[str] = Counter()
        self.findings: dict[tuple[str, str], FindingTally] = {}
        self.uncoded = Uncoded(profile)
        self.shapes: Counter[Shape] = Counter()
        self.feed: list[Finding] = []
        self.has_more_fields = False
        self._room = Room()
        self._spots = Spots(profile)

    def add(self, told: Told) -> None:
        self.records += 1
        self.rejected += told.is_rejected
        self._add_findings(told)
        content = told.record.content
        if not isinstance(content, dict) or told.mapped is None:
            self.unreadable += 1
            return
        spots = list(self._spots.iterate(content))
        self._add_fields(spots)
        self.derived.update(set(told.mapped.derived))
        if told.event is not None:
            self.mapped += 1
            # A name of an organisation fills its element, whether the register knows it or not.
            self._add_event(told.event, set(told.mapped.organisation_names))
        if told.findings:
            self._add_troubles(told, spots)

    def _add_fields(self, spots: list[Spot]) -> None:
        seen = set()
        for spot in spots:
            field = self.fields.get(spot.name) or self._find_field(spot)
            if field is None:
                continue
            if field.use.reason is _LEFT_OUT and not spot.is_out:
                field.use = self.uses.find(spot.name)
            if spot.name not in seen:
                seen.add(spot.name)
                field.filled += 1
            for text in spot.texts:
                field.add(text)

    def _find_field(self, spot: Spot) -> FieldTally | None:
        if len(self.fields) >= MAX_FIELDS:
            self.has_more_fields = True
            return None
        use = self.uses.find(spot.name)
        keeps = not use.targets or holds_codes(use, self.profile)
        if use.kind == "unknown" and spot.is_out:
            use = Use("ignored", spot.name, reason=_LEFT_OUT)
        field = self.fields[spot.name] = FieldTally(use, keeps_values=keeps, room=self._room)
        return field

    def _add_findings(self, told: Told) -> None:
        seen = set()
        for finding in told.findings:
            key = finding.code, finding.severity
            tally = self.findings.get(key)
            if tally is None:
                tally = self.findings[key] = FindingTally(*key)
            tally.times += 1
            if key not in seen:
                seen.add(key)
                tally.records += 1

    def _add_event(self, event: NationalEvent, named: set[str]) -> None:
        self.versions[event.taxonomy_version] += 1
        filled = named | {name for name in _HEADS if getattr(event, name) is not None}
        for name, group in event.groups.items():
            for one in group if isinstance(group, list) else [group]:
                filled |= {f"{name}.{element}" for element in one}
        self.filled.update(filled)

    def _add_troubles(self, told: Told, spots: list[Spot]) -> None:
        """The values that findings are about: a finding itself does not hold them."""
        looked_at = set()
        for finding in told.findings:
            if finding.code not in COUNTED:
                continue
            spot = next((one for one in spots if one.is_at(finding.source_path)), None)
            if spot is None or (spot.path, finding.code) in looked_at:
                continue
            looked_at.add((spot.path, finding.code))
            if finding.code in _UNCODED:
                version = told.event.taxonomy_version if told.event else ""
                self.uncoded.add(spot, self.uses.find(spot.name), version)
            else:
                self._add_shapes(spot, finding.code)

    def _add_shapes(self, spot: Spot, code: str) -> None:
        for text in spot.texts:
            key = Shape(spot.name, code, make_shape(text.strip()))
            if key in self.shapes or len(self.shapes) < MAX_VALUES:
                self.shapes[key] += 1


def holds_codes(use: Use, profile: Profile) -> bool:
    """Whether a field's values are codes of its own or of the nation's, and not text, dates or
    names: only those may ever be shown."""
    specs = [find_spec(rule.to, profile.versions) for rule in use.rules]
    kinds = [spec.type in ("code", "boolean") for spec in specs if spec is not None]
    heads = [target in _CODED_HEADS for target in use.targets if "." not in target]
    by_name = any(rule.by_name for rule in use.rules)
    return bool(kinds or heads) and all([*kinds, *heads]) and not by_name
