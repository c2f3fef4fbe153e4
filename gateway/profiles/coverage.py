"""What a profile makes of a whole file: fields without use, elements never filled, values without
a national code. It goes to the sender by mail: no value of a record but as ``sharing`` allows."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from gateway.profiles.coverage_model import (
    Coverage,
    ElementCount,
    Expectation,
    FieldCoverage,
    FindingCount,
    UncodedField,
    UnreadableShape,
)
from gateway.profiles.judging import Judging
from gateway.profiles.sharing import MIN_COUNT, names_nobody, tell_values
from gateway.profiles.tally import Tally
from gateway.receipts.build import word_finding
from mappers.profile_faults import find_remarks
from mappers.profile_model import Profile
from mappers.profile_parts import as_list
from schemas.catalogue import get_catalogue
from schemas.taxonomy import NARRATIVE_GROUP, get_taxonomy
from schemas.values import plain

_MAX_NAME = 100


def count_file(
    judging: Judging, stream: BinaryIO, progress: Callable[[int], None] | None = None
) -> Tally:
    """Reads the whole file, or as far as that goes, memory flat."""
    tally = Tally(judging.profile)
    for told in judging.read(stream):
        tally.add(told)
        if progress:
            progress(1)
    tally.columns = judging.columns
    tally.feed = judging.findings
    return tally


def make_coverage(
    tally: Tally, *, file: str, source: str | None = None, min_count: int = MIN_COUNT
) -> Coverage:
    profile = tally.profile
    targets = find_targets(profile)
    never_filled = [one for one in targets if tally.records and one not in tally.filled]
    return Coverage(
        file=plain(file),
        format=profile.format,
        profile=profile.name,
        profile_version=profile.version,
        source=source,
        taxonomy_versions=sorted(tally.versions),
        organisations_asked=source is not None,
        records=tally.records,
        mapped=tally.mapped,
        accepted=tally.records - tally.rejected,
        rejected=tally.rejected,
        unreadable=tally.unreadable,
        findings=list(_list_findings(tally)),
        fields=list(_list_fields(tally)),
        never_filled=never_filled,
        never_mapped=list(_find_never_mapped(tally, set(targets))),
        uncoded=list(_list_uncoded(tally, min_count)),
        unreadable_shapes=list(_list_shapes(tally)),
        derived=[ElementCount(name, count) for name, count in tally.derived.most_common()],
        expectations=list(_check_expectations(tally)),
        feed=[word_finding(finding) for finding in tally.feed],
        gaps=[message for _, message in find_remarks(profile)],
        min_count=min_count,
    )


def find_targets(profile: Profile) -> list[str]:
    """Everything of an event that the profile can fill."""
    targets = [name for name in profile.heads if name.startswith(("event_", "narrative"))]
    targets += [rule.to for rules in profile.elements.values() for rule in as_list(rules)]
    for group, repeated in profile.repeated.items():
        targets += [rule.to for rules in repeated.elements.values() for rule in as_list(rules)]
        if repeated.number:
            targets.append(f"{group}.{repeated.number}")
    return list(dict.fromkeys([*targets, *profile.derive, *profile.constants]))


def show_name(name: str) -> str:
    """A name of a field as a report may show it: whoever keeps people in column names or in keys
    of JSON does not find them here again."""
    return plain(name[:_MAX_NAME]) if names_nobody(name) else f"({len(name)} characters)"


def _list_fields(tally: Tally) -> Iterator[FieldCoverage]:
    readable = max(tally.records - tally.unreadable, 1)
    empty = [name for name in tally.columns if name not in tally.fields]
    given = {name: (field.use, field.filled) for name, field in tally.fields.items()}
    given |= {name: (tally.uses.find(name), 0) for name in empty}
    order = dict.fromkeys([*tally.columns, *given])
    for name in order:
        use, filled = given[name]
        yield FieldCoverage(
            name=show_name(name),
            use=use.kind,
            targets=list(use.targets),
            reason=use.reason,
            filled=filled,
            share=filled / readable,
        )


def _list_findings(tally: Tally) -> Iterator[FindingCount]:
    order = {"error": 0, "warning": 1, "information": 2}
    found = sorted(
        tally.findings.values(), key=lambda one: (order[one.severity], -one.records, one.code)
    )
    for one in found:
        title = get_catalogue()[one.code].title
        yield FindingCount(one.code, one.severity, title, one.records, one.times)


def _list_uncoded(tally: Tally, min_count: int) -> Iterator[UncodedField]:
    for name, counts, is_more in tally.uncoded.iterate():
        use = tally.uses.find(name)
        told = tell_values(counts, min_count=min_count, is_more=is_more)
        are_names = any(rule.by_name for rule in use.rules)
        yield UncodedField(show_name(name), list(use.targets), told, are_names)


def _list_shapes(tally: Tally) -> Iterator[UnreadableShape]:
    for (field, code, shape), count in tally.shapes.most_common():
        title = get_catalogue()[code].title
        yield UnreadableShape(show_name(field), code, title, shape, count)


def _find_never_mapped(tally: Tally, targets: set[str]) -> Iterator[str]:
    found: dict[str, None] = {}
    for version in sorted(tally.versions):
        for group in get_taxonomy(version).groups:
            if group.name != NARRATIVE_GROUP:
                names = (f"{group.name}.{element.name}" for element in group.elements)
                found |= dict.fromkeys(names)
    return (name for name in found if name not in targets and name not in tally.filled)


def _check_expectations(tally: Tally) -> Iterator[Expectation]:
    expected = tally.profile.expectations
    least, most = expected.records.min, expected.records.max
    if least or most is not None:
        words = f"at least {least}" if most is None else f"{least} to {most}"
        is_met = least <= tally.records and (most is None or tally.records <= most)
        yield Expectation("records", words, str(tally.records), is_met)
    if expected.rejected_at_most < 1:
        share = tally.rejected / max(tally.records, 1)
        yield Expectation(
            "share rejected",
            f"at most {expected.rejected_at_most:.1%}",
            f"{share:.1%}",
            share <= expected.rejected_at_most,
        )
