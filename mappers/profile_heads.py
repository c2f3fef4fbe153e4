"""What a record says of itself as a whole: its version, id, type, date and narrative."""

from typing import Any, NamedTuple

from mappers.profile_date_readers import make_date_reader
from mappers.profile_model import Profile
from mappers.profile_parts import Constant, HeadRule
from mappers.profile_trouble import Spot, Troubles
from mappers.profile_values import ReadOne, Unreadable, make_code_reader
from schemas.catalogue import mapping
from schemas.event import INCIDENT
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS
from schemas.values import clean_text, shown

_VERSIONS = ", ".join(TAXONOMY_VERSIONS)


class Head(NamedTuple):
    """``version`` is None where it cannot be told; nothing else of the record can be then."""

    version: str | None
    local_id: str | None
    event_type: str | None
    event_date: str | None = None
    narrative: str | None = None


class HeadReader:
    """Reads the heads of the records of one profile."""

    def __init__(self, profile: Profile, default_version: str) -> None:
        self._profile = profile
        self._default_version = default_version
        heads = profile.heads
        self._read_type = _make_code_reader(profile, heads.get("event_type"))
        self._read_version = _make_code_reader(profile, heads.get("taxonomy_version"))
        more = profile.narrative.more if profile.narrative else {}
        self._more = [(heading, HeadRule(field=field)) for field, heading in more.items()]
        date = profile.event_date
        self._read_date = make_date_reader(date.date_format if date else None)

    def read(self, content: dict[str, Any], troubles: Troubles) -> Head:
        profile = self._profile
        local_id = _read_head(content, profile.local_id, "", str.strip, troubles)
        event_type = self._find_type(content, troubles)
        version = self._find_version(content, troubles)
        if version is None:
            return Head(None, local_id, event_type)
        date = _read_head(content, profile.event_date, "event_date", self._read_date, troubles)
        narrative = self._read_narrative(content, event_type, troubles)
        return Head(version, local_id, event_type, date, narrative)

    def _read_narrative(
        self, content: dict[str, Any], event_type: str | None, troubles: Troubles
    ) -> str | None:
        """Of an incident what happened must be told: texts that follow the narrative under
        headings, such as the lessons learned, are none without it."""
        rule = self._profile.narrative
        found = _read_head(content, rule, "narrative", clean_text, troubles)
        if rule is None or not rule.more or (found is None and event_type == INCIDENT):
            return found
        texts = [found] if found else []
        for heading, one in self._more:
            if text := _read_head(content, one, "narrative", clean_text, troubles):
                texts.append(f"{heading}: {text}")
        return "\n\n".join(texts) or None

    def _find_type(self, content: dict[str, Any], troubles: Troubles) -> str | None:
        rule, before = self._profile.event_type, len(troubles)
        if isinstance(rule, Constant):
            return rule.value
        found = _read_head(content, rule, "event_type", self._read_type, troubles)
        if found is None and len(troubles) == before:
            accepted = list(self._profile.codes_of(rule) or EVENT_TYPES)
            spot = Spot("event_type", "", 0, rule.field)
            troubles.add(
                mapping.NO_EVENT_TYPE_FIELD, spot, field=rule.field, accepted=", ".join(accepted)
            )
        return found

    def _find_version(self, content: dict[str, Any], troubles: Troubles) -> str | None:
        rule = self._profile.taxonomy_version
        if isinstance(rule, str):
            return rule
        before = len(troubles)
        found = _read_head(content, rule, "taxonomy_version", self._read_version, troubles)
        if found is None and len(troubles) > before:
            return None
        version = found or self._default_version
        if version not in TAXONOMY_VERSIONS:
            spot = Spot("taxonomy_version", "", 0, rule.field)
            troubles.add(mapping.VERSION_NOT_KNOWN, spot, value=shown(version), accepted=_VERSIONS)
            return None
        return version


def _make_code_reader(profile: Profile, rule: HeadRule | None) -> ReadOne:
    return make_code_reader(profile.codes_of(rule)) if rule else str.strip


def _read_head(
    content: dict[str, Any],
    rule: HeadRule | None,
    name: str,
    read: ReadOne,
    troubles: Troubles,
) -> str | None:
    """A field of the record as a whole; None where it is absent, empty or unreadable."""
    cell = content.get(rule.field) if rule is not None else None
    if rule is None or cell is None:
        return None
    if not isinstance(cell, str):
        spot = Spot(name, "", 0, rule.field)
        count = len(cell) if isinstance(cell, list) else 1
        troubles.add(
            mapping.SEVERAL_VALUES, spot, field=rule.field, count=count, element=name or "the id"
        )
        return None
    try:
        found = read(cell)
    except Unreadable as problem:
        troubles.add_unreadable(problem, Spot(name, "", 0, rule.field), cell)
        return None
    return found if isinstance(found, str) and found else None
