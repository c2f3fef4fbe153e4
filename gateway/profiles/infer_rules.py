"""The rule of one field, as lines of YAML: where it goes, how it is read, its code map."""

from collections.abc import Iterator

from gateway.profiles.infer_model import Code, Draft, FieldDraft
from gateway.profiles.infer_yaml import comment, key, quoted, scalar
from mappers.profile_model import find_spec


def write_rule(draft: Draft, one: FieldDraft, name: str, indent: str) -> Iterator[str]:
    if one.guess is None:
        return
    target, evidence = one.guess.target, comment(word_evidence(one))
    if one.units is not None:
        start = one.field.name.removesuffix(name)
        yield f"{indent}{key(name, indent)}  {evidence}"
        for unit, words in one.units.words.items():
            asked = f"{{{quoted(one.units.field.removeprefix(start))}: [{_list(words)}]}}"
            yield f"{indent}  - {{to: {target}, age: {unit}, when: {asked}}}"
        return
    more = list(_list_settings(draft, one))
    if not more and not one.by_label:
        yield f"{indent}{key(name, indent)} {target}  {evidence}"
        return
    yield f"{indent}{key(name, indent)}  {evidence}"
    yield f"{indent}  to: {target}"
    for setting in more:
        yield f"{indent}  {setting}"
    if one.by_label:
        yield from write_codes(one.codes, f"{indent}  ")


def _list_settings(draft: Draft, one: FieldDraft) -> Iterator[str]:
    spec = find_spec(one.guess.target if one.guess else "", (draft.taxonomy_version,))
    separator = (one.field.separator or "").strip()
    if separator and spec is not None and spec.many:
        yield f"separator: {quoted(separator)}"
    if one.age is not None:
        yield f"age: {one.age}"
    is_dated = one.age == "date_of_birth" or (spec is not None and spec.type in ("date", "time"))
    if one.field.formats and is_dated:
        yield f"date_format: {write_formats(one.field.formats)}"
    if one.by_name:
        yield "by_name: true"
    if one.booleans:
        true, false = one.booleans
        yield f'booleans: {{"true": [{quoted(true)}], "false": [{quoted(false)}]}}'


def write_codes(codes: list[Code], indent: str) -> Iterator[str]:
    sure = [
        one for one in codes if one.theirs is not None and one.national is not None and one.certain
    ]
    yield f"{indent}codes:{'' if sure else ' {}'}"
    for one in sure:
        told = comment(f"{one.label}; {_word_times(one.seen)}")
        yield f"{indent}  {key(one.theirs or '')} {quoted(one.national or '')}  {told}"
    for one in codes:
        if one.theirs is None or one.certain:
            continue
        written = f"{key(one.theirs)} {quoted(one.national or '')}"
        asked = f"decide: {one.label}?" if one.national else "to do: no label is like it;"
        yield f"{indent}  {comment(f'{written}  # {asked} {_word_times(one.seen)}')}"
    if hidden := sum(one.theirs is None for one in codes):
        told = f"to do: {hidden} more values, not shown because they may be no codes"
        yield f"{indent}  {comment(told)}"


def _list(words: list[str]) -> str:
    return ", ".join(map(quoted, words))


def _word_times(seen: int) -> str:
    return "seen once" if seen == 1 else f"seen {seen} times"


def word_evidence(one: FieldDraft) -> str:
    if one.guess is None:
        return ""
    told = [f"{one.guess.confidence:.2f} {one.guess.evidence}".strip()]
    if one.field.filled < 0.995:
        told.append(f"filled in {one.field.filled:.0%}")
    if one.codes:
        open_codes = sum(not code.certain for code in one.codes)
        without = f", {open_codes} without a sure code" if open_codes else ""
        values = "one value" if one.field.different == 1 else f"{one.field.different} values"
        told.append(f"{values}{without}")
    return "; ".join(told)


def write_formats(formats: list[str]) -> str:
    listed = [scalar(one) if ":" not in one else quoted(one) for one in formats]
    return listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
