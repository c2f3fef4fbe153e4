"""The fields of an AdverseEvent that are not extensions: version, type, date, identifier and
references."""

import re
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from mappers.fhir_notes import Notes
from mappers.fhir_tables import Version, find_segment, find_version
from schemas.catalogue import mapping
from schemas.values import clean_text, is_date, shown

_LONDON: Final = ZoneInfo("Europe/London")
_INSTANT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(.*)", re.ASCII)
_ZONE: Final = re.compile(r"Z|[+-]\d{2}:\d{2}", re.ASCII)
# FHIR has another field for the event type, and for "it did happen", in each release.
_TYPE_FIELD: Final = {"STU3": "type", "R4": "event"}
_CLAIMS: Final = ("actual", "potential", "AE", "PAE")
_PROFILE: Final = re.compile(r"patient-safety-adverse-event(-[a-z0-9.]{1,8})?", re.ASCII)
_ACTUAL: Final = {"STU3": ("category", "AE"), "R4": ("actuality", "actual")}


def read_version(meta: object, default: str, notes: Notes) -> str | None:
    """The taxonomy version that ``meta.profile[0]`` names; None where it names none we know."""
    if meta is None:
        return default
    if type(meta) is not dict:
        notes.add_structure("meta", "an object", "/meta", "taxonomy_version")
        return default
    if len(meta) > 1 or "profile" not in meta:
        notes.add_unknown(meta, ("profile",), "meta", "/meta")
    profile = meta.get("profile")
    if profile is None or profile == []:
        return default
    first = profile[0] if type(profile) is list else profile
    version = find_version(first) if type(first) is str else None
    if version is None:
        notes.add(
            mapping.UNKNOWN_VERSION,
            "taxonomy_version",
            "/meta/profile",
            profile=_show_profile(first) if type(first) is str else "(no address)",
        )
    elif type(profile) is list:
        notes.add_more("meta.profile", len(profile), "/meta/profile")
    return version


def _show_profile(profile: str) -> str:
    """Of an address its last part, where that looks like a version of the national profile."""
    name = find_segment(profile)
    return f"'{name}'" if _PROFILE.fullmatch(name) else shown(name)


def read_event_type(resource: dict[str, Any], table: Version, notes: Notes) -> tuple[str, str]:
    """The code of the event's type and its pointer; both empty where there is none."""
    own = _TYPE_FIELD[table.release]
    other = "event" if own == "type" else "type"
    code, pointer = _read_coding(resource.get(own), own, notes)
    if other not in resource:
        found, found_pointer = "", ""
    else:
        found, found_pointer = _read_coding(resource[other], other, notes)
        notes.add(
            mapping.FIELD_OF_OTHER_RELEASE,
            "event_type",
            f"/{other}",
            found=other,
            field=own,
            version=table.version,
        )
        if code and found and code != found:
            notes.add(mapping.EVENT_TYPE_DIFFERS, "event_type", f"/{other}", field=own)
    if not (code or found):
        notes.add(mapping.NO_EVENT_TYPE, "event_type", f"/{own}", field=own)
    return (code, pointer) if code else (found, found_pointer)


def _read_coding(concept: object, field: str, notes: Notes) -> tuple[str, str]:
    at = f"/{field}"
    if concept is None:
        return "", ""
    concept = notes.unwrap(concept, field, at)
    if type(concept) is not dict:
        notes.add_structure(field, "an object with a coding", at, "event_type")
        return "", ""
    if len(concept) > 1 or "coding" not in concept:
        notes.add_unknown(concept, ("coding",), "concept", at)
    codings = concept.get("coding", [])
    if type(codings) is not list:
        codings = [codings]
    coding = codings[0] if codings else {}
    if type(coding) is not dict:
        notes.add_structure(f"{field}.coding", "a list of objects", f"{at}/coding", "event_type")
        return "", ""
    notes.add_unknown(coding, ("code",), "coding", f"{at}/coding/0")
    notes.add_more(f"{field}.coding", len(codings), f"{at}/coding")
    code = coding.get("code")
    pointer = f"{at}/coding/0/code"
    if type(code) is str:
        return clean_text(code), pointer
    if code is not None:
        notes.add_structure(f"{field}.coding[0].code", "text", pointer, "event_type")
    return "", ""


def check_actual(resource: dict[str, Any], table: Version, notes: Notes) -> None:
    """Accounts for ``category`` (STU3) and ``actuality`` (R4)."""
    own, expected = _ACTUAL[table.release]
    for field in ("category", "actuality"):
        if field not in resource:
            continue
        if field != own:
            notes.add(
                mapping.FIELD_OF_OTHER_RELEASE,
                "",
                f"/{field}",
                found=field,
                field=own,
                version=table.version,
            )
            continue
        value = notes.unwrap(resource[field], field, f"/{field}")
        if value != expected:
            notes.add(
                mapping.NOT_ACTUAL,
                "",
                f"/{field}",
                field=field,
                value=shown(value, known=_CLAIMS) if type(value) is str else "(not text)",
                expected=f"'{expected}'",
            )


def read_date(value: object, notes: Notes) -> str | None:
    """The day of the event in Europe/London."""
    if value is None:
        return None
    value = notes.unwrap(value, "date", "/date")
    text = clean_text(value) if type(value) is str else ""
    if is_date(text):
        return text
    if type(value) is str and not text:
        return None
    day = _find_day(text)
    if day is None:
        shown_value = shown(value, is_date=True) if type(value) is str else "(not text)"
        notes.add(mapping.BAD_DATE, "event_date", "/date", value=shown_value)
    else:
        notes.add(mapping.TIME_DROPPED, "event_date", "/date")
    return day


def _find_day(text: str) -> str | None:
    parts = _INSTANT.fullmatch(text)
    if parts is None:
        return None
    day, zone = parts[1], parts[4]
    if not zone:
        # Without an offset (FHIR asks for one) the time is taken as local, so its day stands.
        return day if is_date(day) else None
    if not _ZONE.fullmatch(zone):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(_LONDON).date().isoformat()
    except (ValueError, OverflowError):
        return None


def read_identifier(value: object, notes: Notes) -> str | None:
    """The source's own id of the record: the first identifier that has a value."""
    if value is None:
        return None
    identifiers = value if type(value) is list else [value]
    found: list[str] = []
    for position, identifier in enumerate(identifiers):
        at = f"/identifier/{position}" if type(value) is list else "/identifier"
        if type(identifier) is not dict:
            notes.add_structure("identifier", "an object with a value", at)
            continue
        if len(identifier) > 1:
            notes.add_unknown(identifier, ("value",), "identifier", at)
        text = identifier.get("value")
        if type(text) is str:
            if text := clean_text(text):
                found.append(text)
        elif text is not None:
            notes.add_structure("identifier.value", "text", f"{at}/value")
    if len(found) > 1:
        notes.add(mapping.SEVERAL_IDENTIFIERS, "", "/identifier")
    return found[0] if found else None


def check_references(resource: dict[str, Any], contained_ids: set[str], notes: Notes) -> None:
    """``subject``, ``location``, ``recorder`` and ``suspectEntity`` name contained resources,
    which are read wherever they stand; a reference that points nowhere is told."""
    for field in ("subject", "location", "recorder"):
        if field in resource:
            _check_reference(resource[field], field, f"/{field}", contained_ids, notes)
    suspects = resource.get("suspectEntity")
    if suspects is None:
        return
    for position, suspect in enumerate(suspects if type(suspects) is list else [suspects]):
        at = f"/suspectEntity/{position}" if type(suspects) is list else "/suspectEntity"
        if type(suspect) is not dict:
            notes.add_structure("suspectEntity", "a list of objects", at)
            continue
        if len(suspect) > 1:
            notes.add_unknown(suspect, ("instance",), "suspectEntity", at)
        if "instance" in suspect:
            field = "suspectEntity.instance"
            _check_reference(suspect["instance"], field, f"{at}/instance", contained_ids, notes)


def _check_reference(
    reference: object, field: str, at: str, contained_ids: set[str], notes: Notes
) -> None:
    if (
        type(reference) is dict
        and len(reference) == 1
        and type(target := reference.get("reference")) is str
        and target[:1] == "#"
        and target[1:] in contained_ids
    ):
        return
    reference = notes.unwrap(reference, field, at)
    if type(reference) is not dict:
        notes.add_structure(field, "an object with a reference", at)
        return
    notes.add_unknown(reference, ("reference",), "reference", at)
    target = reference.get("reference")
    if type(target) is not str or not target.startswith("#") or target[1:] not in contained_ids:
        notes.add(mapping.DANGLING_REFERENCE, "", at, field=field)
