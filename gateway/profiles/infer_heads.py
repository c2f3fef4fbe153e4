"""Which fields are the record's head: its id, date, narrative, type and version."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gateway.profiles.infer_codes import get_event_types, plain_label
from gateway.profiles.infer_confidence import join_reasons, make_guess
from gateway.profiles.infer_model import Column, Guess, Surroundings
from schemas.taxonomy import TAXONOMY_VERSIONS

HEADS: Final = ("local_id", "event_date", "narrative", "event_type", "taxonomy_version")
_WHOLE: Final = 0.95
_NEARLY: Final = 0.8
_LONGEST_ID: Final = 40
_A_SENTENCE: Final = 40


def guess_heads(
    column: Column, by_name: Mapping[str, float], around: Surroundings
) -> Iterator[Guess]:
    """What of the record as a whole a field may be. ``by_name``: target → confidence."""
    for target in HEADS:
        name = by_name.get(target, 0)
        support, evidence = _SUPPORT[target](column, around)
        if support is None:
            continue
        confidence = join_reasons(name, support)
        if confidence > 0:
            yield make_guess(target, confidence, name, evidence)


def _support_id(column: Column, around: Surroundings) -> tuple[float | None, str]:
    field = column.field
    if field.kind in ("date", "time", "boolean", "short year") or field.longest > _LONGEST_ID:
        return None, ""
    if field.name == around.id:
        return 0.6, "its rows belong together"
    # A record may be sent twice in one file, so nearly all different is enough.
    if field.filled < _WHOLE or field.different < 0.9 * sum(column.values.values()):
        return None, ""
    support = 0.45 if field.unique else 0.35
    support += 0.15 if field.name == around.first else 0
    # A national number is unique as well, and long numbers that are close together.
    return support, "different in every record" if field.unique else "nearly always different"


def _support_date(column: Column, _: Surroundings) -> tuple[float | None, str]:
    kind = column.field.kind
    if kind not in ("date", "short year"):
        return None, ""
    return 0.1, "dates" if kind == "date" else "dates with two-digit years"


def _support_narrative(column: Column, around: Surroundings) -> tuple[float | None, str]:
    field = column.field
    if field.kind not in ("text", "code") or field.separator not in (None, ",", ";", "\n"):
        return None, ""
    if field.median_length < _A_SENTENCE:
        return (0, "") if field.kind == "text" else (None, "")
    if field.median_length == around.longest:
        return 0.5, "the longest text"
    return 0.15, "long text"


def _support_type(column: Column, _: Surroundings) -> tuple[float | None, str]:
    known = get_event_types()
    said = "values are types of event"
    if _share(column, lambda text: plain_label(text) in known.labels) >= _NEARLY:
        # One word for all records may be of any list; several are of this one.
        return (0.65 if len(column.values) > 1 else 0.4), said
    if _share(column, lambda text: text in known.codes) >= _WHOLE:
        return 0.2, said
    return None, ""


def _share(column: Column, is_meant: Callable[[str], bool]) -> float:
    """Of the records, not of the different values."""
    meant = sum(seen for text, seen in column.values.items() if is_meant(text))
    return meant / (sum(column.values.values()) or 1)


def _support_version(column: Column, _: Surroundings) -> tuple[float | None, str]:
    is_version = bool(column.values) and column.values.keys() <= set(TAXONOMY_VERSIONS)
    return (0, "taxonomy versions") if is_version else (None, "")


_SUPPORT: Final = {
    "local_id": _support_id,
    "event_date": _support_date,
    "narrative": _support_narrative,
    "event_type": _support_type,
    "taxonomy_version": _support_version,
}
