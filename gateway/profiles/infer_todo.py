"""What is left to do about a draft, the most important first."""

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.profiles.infer_model import Draft, FieldDraft
from gateway.profiles.infer_targets import AGE
from gateway.profiles.infer_yaml import quoted
from mappers.profile_faults.todo import TODO
from mappers.profile_model import find_spec
from schemas.catalogue.mapping import SEVERAL_VALUES
from schemas.event import PATIENTS

# A guess below this is named in the list; above, it stands beside its line only.
SURE: Final = 0.8
_MOST_NAMED: Final = 8
# Remarks on what is told here with what to do about it.
_TOLD_BETTER: Final = (
    "nothing fills PractitionerDetails:",
    "nothing fills narrative:",
    "nothing says when it happened",
)


def list_todo(draft: Draft, remarks: Iterable[str], trouble: Iterable[str]) -> list[str]:
    """``remarks`` are what ``profile check`` says of the draft, ``trouble`` what went wrong when
    the file was read."""
    return [
        *trouble,
        *_list_years(draft),
        *(one for one in remarks if not _is_told_better(one)),
        *_list_derived(draft),
        *_list_heads(draft),
        *_list_dates(draft),
        *_list_harm(draft),
        *_list_guesses(draft),
        *_list_several(draft),
        *_list_codes(draft),
        *_list_rows(draft),
        *_list_left(draft),
        "Say under 'expectations' how many records a feed has and what share may be rejected.",
    ]


def _is_told_better(remark: str) -> bool:
    return remark.startswith(_TOLD_BETTER) or remark.endswith(TODO)


def _list_years(draft: Draft) -> Iterator[str]:
    if named := [one.field.name for one in draft.fields if one.field.kind == "short year"]:
        yield (
            f"{_name(named)}: years with two digits are refused, never completed. Ask for four, or"
            " for another field."
        )


def _list_derived(draft: Draft) -> Iterator[str]:
    if draft.derived:
        yield (
            f"What nothing fills could be concluded from {_name([draft.derived[0].field])}: the"
            " comments under 'derive' propose how."
        )


def _list_heads(draft: Draft) -> Iterator[str]:
    filled = {one.guess.target for one in draft.fields if one.guess}
    if "local_id" not in filled:
        yield (
            "No field is the sender's own id: without 'local_id' a corrected record becomes a"
            " second event."
        )
    if "event_date" not in filled:
        yield (
            "No field is the date of the event, which every record needs: name it as 'event_date'."
        )
    if "narrative" not in filled:
        yield (
            "No field is the narrative, which every incident needs (TEXT-001): name it as"
            " 'narrative'."
        )
    if "event_type" not in filled:
        yield (
            "Every record is taken for an incident: where the feed has risks, outcomes or good care"
            " as well, name the field that tells them as 'event_type'."
        )
    if "PractitionerDetails.ReporterOrganisation" not in filled:
        yield (
            "No field is the organisation that reports, which every event needs: name one, or give"
            " its ODS code under 'constants' as PractitionerDetails.ReporterOrganisation."
        )


def _list_dates(draft: Draft) -> Iterator[str]:
    if named := [one.field.name for one in draft.fields if one.field.ambiguous]:
        yield (
            f"Day and month could be the other way round in {_name(named)}, no day there is above"
            " 12: ask the sender."
        )


def _list_harm(draft: Draft) -> Iterator[str]:
    for one in draft.fields:
        is_coded = one.guess and one.guess.target == f"{PATIENTS}.PhysicalHarm"
        if is_coded and not one.by_label:
            yield (
                f"{quoted(one.field.name)} has numbers: nationally 1 is fatal and 5 no harm, older"
                " lists run the other way. Ask, and give 'codes' where they do."
            )


def _list_guesses(draft: Draft) -> Iterator[str]:
    unsure = [one for one in draft.fields if one.guess and one.guess.confidence < SURE]
    unsure.sort(key=lambda one: one.guess.confidence if one.guess else 0)
    if unsure:
        told = [
            f"{quoted(one.field.name)} as {one.guess.target}"
            for one in unsure[:_MOST_NAMED]
            if one.guess
        ]
        more = f" and {len(unsure) - _MOST_NAMED} more" if len(unsure) > _MOST_NAMED else ""
        yield f"Guessed, and to be looked at: {', '.join(told)}{more}."
    for one in draft.fields:
        if one.guess and one.guess.target == AGE and one.age == "years" and not one.units:
            yield f"{quoted(one.field.name)} is taken for years of age: is it?"


def _list_several(draft: Draft) -> Iterator[str]:
    for one in draft.fields:
        if one.guess is None or one.repeated is not None or one.field.several == 1:
            continue
        spec = find_spec(one.guess.target, (draft.taxonomy_version,))
        if spec is None or not spec.many:
            yield (
                f"{quoted(one.field.name)} has up to {one.field.several} values in a record, and"
                f" {one.guess.target} takes one: ask for one text, or a record with more is"
                f" rejected ({SEVERAL_VALUES.code})."
            )


def _list_codes(draft: Draft) -> Iterator[str]:
    for one in draft.fields:
        left = [code for code in one.codes if not code.certain]
        if left:
            records = sum(code.seen for code in left)
            have = "has" if len(left) == 1 else "have"
            yield (
                f"{quoted(one.field.name)}: {len(left)} of {one.field.different} values {have} no"
                f" sure national code ({records} records); until then such a record has a finding."
            )


def _list_rows(draft: Draft) -> Iterator[str]:
    if draft.rows is not None:
        yield (
            f"Rows with the same {quoted(draft.rows.id)} are taken for one record: they differ in"
            f" {_name(draft.rows.differing)}."
        )
    for group in draft.repeats:
        if group.asked:
            yield (
                f"Only where {quoted(group.asked)} is {_name(group.values)} a person is taken for a"
                f" patient{_name_others(group.others)}: right?"
            )


def _name_others(others: list[str]) -> str:
    return f", not where it is {_name(others)}" if others else ""


def _list_left(draft: Draft) -> Iterator[str]:
    if left := list_left(draft):
        yield (
            f"{len(left)} fields under 'ignored' begin with {TODO}: map each, or say why it is not"
            " taken over."
        )


def list_left(draft: Draft) -> list[FieldDraft]:
    """The fields nothing was decided about."""
    return [one for one in draft.fields if not (one.guess or one.person or one.settled)]


def _name(names: list[str]) -> str:
    told = ", ".join(quoted(name) for name in names[:_MOST_NAMED])
    return f"{told} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else told
