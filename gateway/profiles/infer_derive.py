"""What every incident needs and few feeds say: proposed from the field that says what kind of
incident it was."""

from collections.abc import Sequence
from typing import Final

from gateway.profiles.infer_codes import draft_codes, get_value_set, measure_fit
from gateway.profiles.infer_model import Column, Derived, FieldDraft
from gateway.profiles.infer_names import names_a_category
from mappers.profile_model import find_spec
from schemas.taxonomy import ElementSpec

# Element → the code for everything else.
_NEEDED: Final = {
    "AdverseEventAgent.InvolvedAgents": "10",
    "AdverseEventSafetyChallenges.SafetyChallenges": "6",
}
_KINDS: Final = ("code", "integer", "text")
_MOST: Final = 40


def propose_derived(
    columns: Sequence[Column], drafts: Sequence[FieldDraft], version: str
) -> list[Derived]:
    """One proposal for each needed element that no field fills."""
    filled = {one.guess.target for one in drafts if one.guess}
    column = find_category(columns, version)
    if column is None:
        return []
    found = []
    for target, otherwise in _NEEDED.items():
        spec = find_spec(target, (version,))
        if target in filled or spec is None or spec.value_set is None:
            continue
        value_set = get_value_set(spec.value_set, version)
        values: dict[str, list[str]] = {}
        for code in draft_codes(column.values, value_set):
            if code.theirs and code.national and code.certain and code.national != otherwise:
                values.setdefault(code.national, []).append(code.theirs)
        field = column.field.name
        labels = dict(value_set.codes)
        values[otherwise] = []
        found.append(Derived(target=target, field=field, values=values, labels=labels))
    return found


def find_category(columns: Sequence[Column], version: str) -> Column | None:
    """The field that says best what kind of incident it was: whose values are like agents and
    challenges, else the one with the fewest values."""
    found = [
        column
        for column in columns
        if names_a_category(column.field.name)
        and column.field.kind in _KINDS
        and 1 < column.field.different <= _MOST
    ]
    sets = [get_value_set(spec.value_set or "", version) for spec in _list_specs(version)]
    return max(
        found,
        key=lambda column: (
            sum(measure_fit(column.values, one).as_labels for one in sets),
            -column.field.different,
        ),
        default=None,
    )


def _list_specs(version: str) -> list[ElementSpec]:
    return [spec for target in _NEEDED if (spec := find_spec(target, (version,)))]
