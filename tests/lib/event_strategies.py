"""Hypothesis strategies of canonical national events, drawn from the taxonomy itself.

Valid in every code, type and cardinality of single elements; the rules between elements are not
kept (``tests.lib.events`` has events that keep those too).
"""

from typing import Any

from hypothesis import strategies as st

from schemas.event import PATIENTS, NationalEvent
from schemas.taxonomy import (
    EVENT_TYPES,
    NARRATIVE_GROUP,
    ORGANISATION_CODES,
    TAXONOMY_VERSIONS,
    ElementSpec,
    GroupSpec,
    Taxonomy,
    get_taxonomy,
)
from schemas.values import clean_text
from tests.lib.events import OTHER_TRUST, PRACTICE, TRUST, TRUST_SITE

AGES_IN_DAYS = [*range(1, 31), *range(31, 342, 31), *range(372, 74_029, 372)]
# Ours to give, never content of an event.
_NOT_CONTENT = frozenset({"ReferenceNumber"})
_MAX_GROUPS = 5
_MAX_ELEMENTS = 4

# What XML can carry: no control characters, no surrogates, none of the two non-characters.
_CHARACTERS = st.characters(
    exclude_categories=("Cs", "Cc"), include_characters="\n\t", exclude_characters="\ufffe\uffff"
)


def clean_texts(max_size: int = 40) -> st.SearchStrategy[str]:
    """Text as an event holds it: cleaned, and not empty."""
    return st.text(_CHARACTERS, min_size=1, max_size=max_size).map(clean_text).filter(bool)


def day_texts() -> st.SearchStrategy[str]:
    return st.dates().map(lambda day: day.isoformat())


def national_events(version: str | None = None) -> st.SearchStrategy[NationalEvent]:
    """Canonical events of a version, or of any."""
    versions = st.sampled_from(TAXONOMY_VERSIONS) if version is None else st.just(version)
    return versions.flatmap(_events_of)


@st.composite
def _events_of(draw: st.DrawFn, version: str) -> NationalEvent:
    taxonomy = get_taxonomy(version)
    specs = [spec for spec in taxonomy.groups if spec.name != NARRATIVE_GROUP]
    required = [spec for spec in specs if spec.min]
    optional = [spec for spec in specs if not spec.min]
    drawn = draw(st.lists(st.sampled_from(optional), max_size=_MAX_GROUPS, unique=True))
    groups: dict[str, Any] = {}
    for spec in [*required, *drawn]:
        content = draw(_contents(taxonomy, spec))
        if content:
            groups[spec.name] = content
    return NationalEvent(
        taxonomy_version=version,
        event_type=draw(st.sampled_from(sorted(EVENT_TYPES))),
        event_date=draw(st.none() | day_texts()),
        narrative=draw(st.none() | clean_texts(200)),
        groups=groups,
    )


@st.composite
def _contents(draw: st.DrawFn, taxonomy: Taxonomy, spec: GroupSpec) -> Any:
    if not spec.repeats:
        return draw(_group(taxonomy, spec))
    repeats = draw(st.lists(_group(taxonomy, spec), min_size=1, max_size=3))
    if spec.name == PATIENTS:
        for number, patient in enumerate(repeats, start=1):
            patient["PatientSequence"] = number
    return [one for one in repeats if one]


@st.composite
def _group(draw: st.DrawFn, taxonomy: Taxonomy, spec: GroupSpec) -> dict[str, Any]:
    elements = [element for element in spec.elements if element.name not in _NOT_CONTENT]
    drawn = draw(
        st.lists(st.sampled_from(elements), min_size=1, max_size=_MAX_ELEMENTS, unique=True)
    )
    chosen = [element for element in elements if element.min or element in drawn]
    return {element.name: draw(_values(taxonomy, element)) for element in chosen}


def _values(taxonomy: Taxonomy, element: ElementSpec) -> st.SearchStrategy[Any]:
    one = _one_value(taxonomy, element)
    if not element.many:
        return one
    if element.type == "code":
        return st.lists(one, min_size=1, max_size=4, unique=True).map(sorted)
    return st.lists(one, min_size=1, max_size=3)


def _one_value(taxonomy: Taxonomy, element: ElementSpec) -> st.SearchStrategy[Any]:
    codes = taxonomy.codes_of(element)
    if codes:
        return st.sampled_from(sorted(codes))
    if element.value_set == ORGANISATION_CODES:
        return st.sampled_from([TRUST, TRUST_SITE, OTHER_TRUST, PRACTICE])
    return _PLAIN[element.type]


_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    # A code without a list: dm+d, and what only version 6 clients showed.
    "code": st.from_regex(r"[0-9]{1,18}", fullmatch=True),
    "string": clean_texts(),
    "integer": st.sampled_from(AGES_IN_DAYS),
    "boolean": st.booleans(),
    "date": day_texts(),
    "time": st.times().map(lambda time: time.replace(microsecond=0).isoformat()),
}
