"""Which field becomes what: the surest guesses first, one field for whatever holds one value."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from gateway.profiles.infer_ages import find_age_unit
from gateway.profiles.infer_codes import (
    draft_codes,
    draft_flag,
    get_event_types,
    get_value_set,
    measure_fit,
)
from gateway.profiles.infer_dates import CLOCK
from gateway.profiles.infer_heads import HEADS
from gateway.profiles.infer_model import Column, FieldDraft, Guess, Surroundings
from gateway.profiles.infer_names import names_a_person
from gateway.profiles.infer_targets import AGE, find_flag, list_guesses
from mappers.profile_model import find_spec
from schemas.taxonomy import EVENT_TYPES, ORGANISATION_CODES, ElementSpec

# From this confidence on a guess is drafted; below it is only mentioned.
DRAFTED: Final = 0.6
_MENTIONED: Final = 0.35
# A further field for an element that holds several values must be surer than the first.
_FURTHER: Final = 0.85
_SECOND: Final = 0.05
_CODES_ENOUGH: Final = 0.6
_WORDS: Final = (("y", "n"), ("t", "f"))


def choose_targets(
    columns: Sequence[Column],
    around: Surroundings,
    repeated: Mapping[str, str],
    elsewhere: Collection[str] = (),
) -> list[FieldDraft]:
    """A draft for each column. ``repeated``: field → national group in whose repeats it stands;
    such a field can be of no other. ``elsewhere``: groups that only such fields can be of."""
    guesses = {
        column.field.name: _list_for(column, around, repeated.get(column.field.name), elsewhere)
        for column in columns
    }
    chosen = _settle(guesses, around.version)
    return [
        _make_draft(column, chosen.get(column.field.name), guesses[column.field.name], around)
        for column in columns
    ]


def _list_for(
    column: Column, around: Surroundings, group: str | None, elsewhere: Collection[str]
) -> list[Guess]:
    found = list_guesses(column, around)
    if names_a_person(column.field.name):
        # A column named so may still be a list: "reported by" with roles in it.
        found = [
            one
            for one in found
            if "are like its labels" in one.evidence or one.target == "local_id"
        ]
    if group is None:
        return [one for one in found if one.target.partition(".")[0] not in elsewhere]
    return [one for one in found if one.target.startswith(f"{group}.")]


def _settle(guesses: Mapping[str, list[Guess]], version: str) -> dict[str, Guess]:
    places = {name: place for place, name in enumerate(guesses)}
    ranked = sorted(
        ((guess, name) for name, found in guesses.items() for guess in found),
        key=lambda one: (-one[0].confidence, places[one[1]], one[0].target),
    )
    chosen: dict[str, Guess] = {}
    taken: set[str] = set()
    for guess, name in ranked:
        best = guesses[name][0].confidence
        # Where its own best place is taken, a field is not pushed into any other.
        if guess.confidence < max(DRAFTED, best - _SECOND) or name in chosen:
            continue
        spec = find_spec(guess.target, (version,))
        is_free = guess.target not in taken
        if is_free or (spec and spec.many and guess.confidence >= _FURTHER):
            chosen[name] = guess
            taken.add(guess.target)
    return chosen


def _make_draft(
    column: Column, guess: Guess | None, guesses: list[Guess], around: Surroundings
) -> FieldDraft:
    field = column.field
    is_person = field.kind == "person" or (guess is None and names_a_person(field.name))
    runner_up = next((one for one in guesses if one.confidence >= _MENTIONED), None)
    draft = FieldDraft(field=field, guess=guess, runner_up=runner_up, person=is_person)
    if guess is None:
        return draft
    if guess.target == "event_type" and not column.values.keys() <= EVENT_TYPES.keys():
        draft.codes = draft_codes(column.values, get_event_types())
    if guess.target == AGE:
        draft.age = find_age_unit(column)
    if guess.target not in HEADS:
        _add_reading(draft, column, find_spec(guess.target, (around.version,)), around.version)
    return draft


def _add_reading(draft: FieldDraft, column: Column, spec: ElementSpec | None, version: str) -> None:
    """How the values become the element's."""
    if spec is None or draft.guess is None:
        return
    if spec.type == "time" and not draft.field.formats:
        draft.field.formats = [CLOCK]
    if spec.value_set == ORGANISATION_CODES:
        draft.by_name = "names" in draft.guess.evidence
    elif spec.value_set is not None:
        value_set = get_value_set(spec.value_set, version)
        if flag := find_flag(column, draft.guess.target, version):
            draft.by_label = True
            draft.codes = draft_flag(column.values, flag, value_set)
            return
        draft.by_label = measure_fit(column.values, value_set).as_codes < _CODES_ENOUGH
        if draft.by_label:
            draft.codes = draft_codes(column.values, value_set)
    elif spec.type == "boolean":
        draft.booleans = _find_booleans(column)


def _find_booleans(column: Column) -> tuple[str, str] | None:
    """The feed's words, where they are not those that every profile knows."""
    words = {text.casefold() for text in column.values}
    return next((pair for pair in _WORDS if words <= set(pair)), None)
