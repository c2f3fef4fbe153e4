"""What fields say of one another: the unit beside an age, which of several persons is a patient,
the time of day in a date."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.profiles.infer_codes import plain_label
from gateway.profiles.infer_dates import TIME, has_clock
from gateway.profiles.infer_kinds import holds_a_person
from gateway.profiles.infer_model import AgeUnits, Column, FieldDraft, Repeats, Rows
from gateway.profiles.infer_names import is_called
from gateway.profiles.infer_targets import AGE
from gateway.profiles.infer_words import cut_into_words
from mappers.profile_model import PLACE
from schemas.event import PATIENTS

_UNITS: Final = {
    "days": ("d", "day"),
    "weeks": ("w", "wk", "wks", "week"),
    "months": ("m", "mo", "mth", "mths", "mon", "month"),
    "years": ("y", "yr", "yrs", "year"),
}
_UNIT_OF: Final = {word: unit for unit, words in _UNITS.items() for word in words}
_PATIENTS: Final = frozenset(
    ["patient", "the patient", "patient affected", "affected patient", "person affected",
     "service user", "su", "client", "resident", "inpatient", "outpatient"]
)  # fmt: skip
_NAMED: Final = frozenset({"age", "unit"})
_ENOUGH: Final = 0.9
_MOST_ROLES: Final = 15


def settle_units(columns: Sequence[Column], drafts: Sequence[FieldDraft]) -> None:
    """An age in numbers with a field beside it that says the unit is read by that."""
    aged = [one for one in drafts if one.guess and one.guess.target == AGE and one.age == "years"]
    values = {column.field.name: column.values for column in columns}
    for one in aged:
        for other in drafts:
            if other.repeated not in (None, one.repeated) or PLACE in other.field.name:
                continue
            if other is not one and (words := _find_units(other, values[other.field.name])):
                one.units = AgeUnits(field=other.field.name, words=words)
                _settle(other, f"the unit of {one.field.name}")
                break


def _find_units(one: FieldDraft, values: Mapping[str, int]) -> dict[str, list[str]]:
    """Unit → the feed's words for it; empty where the values are not nearly all units. Where the
    name does not say so too, an M may as well be a man."""
    is_named = bool(_NAMED & set(cut_into_words(one.field.name)))
    if one.person or not (is_named or one.guess is None):
        return {}
    found: dict[str, list[str]] = {}
    for text in values:
        unit = _UNIT_OF.get(plain_label(text))
        if unit and (is_named or len(text) > 1):
            found.setdefault(unit, []).append(text)
    told = sum(values[text] for words in found.values() for text in words)
    return found if found and told >= _ENOUGH * sum(values.values()) else {}


def settle_roles(
    columns: Sequence[Column],
    drafts: Sequence[FieldDraft],
    repeats: Iterable[Repeats],
    rows: Rows | None,
) -> None:
    """Of several persons of a record, in rows of their own or below one another, those that a
    field calls patients."""
    values = {column.field.name: column.values for column in columns}
    for group in repeats:
        if group.group != PATIENTS or (group.at is None and rows is None):
            continue
        inside = [
            one
            for one in drafts
            if (one.repeated == PATIENTS if group.at else rows and one.field.name in rows.differing)
        ]
        for one in inside:
            words = _find_patients(one, values[one.field.name])
            if words:
                group.asked, group.values = one.field.name, words
                group.others = [
                    text
                    for text, seen in values[one.field.name].items()
                    if text not in words and seen > 1 and not holds_a_person(text)
                ]
                _settle(one, "says who is a patient")
                break


def _find_patients(one: FieldDraft, values: Mapping[str, int]) -> list[str]:
    is_list = one.field.kind in ("code", "text") and 1 < len(values) <= _MOST_ROLES
    if not is_list or not is_called(one.field.name, "person_role"):
        return []
    return [text for text in values if plain_label(text) in _PATIENTS]


def settle_times(columns: Sequence[Column], drafts: Sequence[FieldDraft]) -> None:
    """A date of the event that has a time of day is that as well, where no field is."""
    values = {column.field.name: column.values for column in columns}
    if any(one.guess and one.guess.target == TIME for one in drafts):
        return
    for one in drafts:
        if one.guess and one.guess.target == "event_date":
            one.is_time_too = has_clock(values[one.field.name], one.field.formats)


def _settle(one: FieldDraft, reason: str) -> None:
    one.guess, one.codes, one.by_label, one.settled = None, [], False, reason
