"""How a taxonomy that was fetched differs from the one that is shipped, and what stored events have
of what is gone. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from schemas.event import NationalEvent
from schemas.taxonomy import ElementSpec, GroupSpec, Taxonomy

What = Literal["group", "element", "list", "code"]
How = Literal["added", "removed", "renamed", "cardinality", "changed"]
_OF_GROUP: Final = ("resource", "extension")
_OF_ELEMENT: Final = ("type", "value_set")


class TaxonomyChange(msgspec.Struct, frozen=True, kw_only=True):
    """``path``: ``Group``, ``Group.Element``, ``list``, or ``list|code``. ``events``: stored events
    that have it, where it is removed; None: nobody counted."""

    what: What
    how: How
    path: str
    before: str | None = None
    after: str | None = None
    events: int | None = None


def compare(shipped: Taxonomy, fetched: Taxonomy) -> list[TaxonomyChange]:
    """In the order of what is shipped; additions behind."""
    return [
        *_compare_groups(shipped, fetched),
        *_compare_lists(shipped, fetched),
    ]


def count_uses(
    changes: list[TaxonomyChange], shipped: Taxonomy, events: Iterator[NationalEvent]
) -> list[TaxonomyChange]:
    """The same, with the number of events that have what is removed."""
    removed = [one for one in changes if one.how == "removed"]
    if not removed:
        return changes
    wanted = _Wanted(removed, shipped)
    counts: Counter[str] = Counter()
    for event in events:
        counts.update(wanted.find(event))
    return [
        msgspec.structs.replace(one, events=counts[one.path]) if one.how == "removed" else one
        for one in changes
    ]


class _Wanted:
    """Where in an event to look for what is removed."""

    def __init__(self, removed: list[TaxonomyChange], shipped: Taxonomy) -> None:
        paths = {one.path for one in removed}
        self._groups = {one.path for one in removed if one.what == "group"}
        self._elements: defaultdict[str, set[str]] = defaultdict(set)
        self._codes: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for one in removed:
            if one.what == "element":
                group_name, _, name = one.path.partition(".")
                self._elements[group_name].add(name)
        for group, element in _list_elements(shipped):
            for code in shipped.codes_of(element) or ():
                # Of a list that is removed whole, every code.
                for path in (f"{element.value_set}|{code}", f"{element.value_set}"):
                    if path in paths:
                        self._codes[group.name, element.name][code] = path

    def find(self, event: NationalEvent) -> set[str]:
        found: set[str] = set()
        for name, group in event.groups.items():
            if name in self._groups:
                found.add(name)
            for one in group if isinstance(group, list) else [group]:
                found |= self._find_in(name, one)
        return found

    def _find_in(self, name: str, group: Mapping[str, Any]) -> set[str]:
        gone = self._elements.get(name, ())
        found = {f"{name}.{element}" for element in gone if element in group}
        for element, value in group.items():
            codes = self._codes.get((name, element))
            if codes:
                given = value if isinstance(value, list) else [value]
                found |= {codes[one] for one in given if isinstance(one, str) and one in codes}
        return found


def _compare_groups(shipped: Taxonomy, fetched: Taxonomy) -> Iterator[TaxonomyChange]:
    for group in shipped.groups:
        other = fetched.by_name.get(group.name)
        if other is None:
            yield TaxonomyChange(what="group", how="removed", path=group.name)
            continue
        yield from _compare_spec("group", group.name, group, other, _OF_GROUP)
        yield from _compare_elements(group, other)
    for group in fetched.groups:
        if group.name not in shipped.by_name:
            after = ", ".join(one.name for one in group.elements)
            yield TaxonomyChange(what="group", how="added", path=group.name, after=after)


def _compare_elements(group: GroupSpec, other: GroupSpec) -> Iterator[TaxonomyChange]:
    for element in group.elements:
        path = f"{group.name}.{element.name}"
        fetched = other.by_name.get(element.name)
        if fetched is None:
            yield TaxonomyChange(what="element", how="removed", path=path)
            continue
        yield from _compare_spec("element", path, element, fetched, _OF_ELEMENT)
    for element in other.elements:
        if element.name not in group.by_name:
            path = f"{group.name}.{element.name}"
            after = f"{_word_bounds(element)} {element.type} {element.value_set or ''}".strip()
            yield TaxonomyChange(what="element", how="added", path=path, after=after)


def _compare_spec(
    what: What,
    path: str,
    one: GroupSpec | ElementSpec,
    other: GroupSpec | ElementSpec,
    names: tuple[str, ...],
) -> Iterator[TaxonomyChange]:
    if (one.min, one.max) != (other.min, other.max):
        yield TaxonomyChange(
            what=what,
            how="cardinality",
            path=path,
            before=_word_bounds(one),
            after=_word_bounds(other),
        )
    for name in names:
        before, after = getattr(one, name), getattr(other, name)
        if before != after:
            yield TaxonomyChange(
                what=what,
                how="changed",
                path=path,
                before=f"{name} {before}",
                after=f"{name} {after}",
            )


def _compare_lists(shipped: Taxonomy, fetched: Taxonomy) -> Iterator[TaxonomyChange]:
    for name, codes in shipped.code_systems.items():
        other = fetched.code_systems.get(name)
        if other is None:
            yield TaxonomyChange(what="list", how="removed", path=name, before=codes.title)
        else:
            yield from _compare_codes(name, codes.codes, other.codes)
    for name, codes in fetched.code_systems.items():
        if name not in shipped.code_systems:
            yield TaxonomyChange(what="list", how="added", path=name, after=codes.title)


def _compare_codes(
    name: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[TaxonomyChange]:
    for code in [*before, *(one for one in after if one not in before)]:
        labels = before.get(code), after.get(code)
        if labels[0] == labels[1]:
            continue
        how: How = "renamed"
        if labels[0] is None:
            how = "added"
        elif labels[1] is None:
            how = "removed"
        path = f"{name}|{code}"
        yield TaxonomyChange(what="code", how=how, path=path, before=labels[0], after=labels[1])


def _list_elements(taxonomy: Taxonomy) -> Iterator[tuple[GroupSpec, ElementSpec]]:
    return ((group, element) for group in taxonomy.groups for element in group.elements)


def _word_bounds(spec: GroupSpec | ElementSpec) -> str:
    most = "*" if spec.max > 10**6 else str(spec.max)
    return f"{spec.min}..{most}"
