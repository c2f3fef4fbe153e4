"""What occurs several times in a record: numbered columns, elements or objects below one
another, elements told apart by an attribute."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gateway.adapters.json_flatten import EACH
from gateway.profiles.infer_names import guess_by_name
from gateway.profiles.infer_words import cut_into_words
from mappers.profile_model import MEDICATIONS, PLACE
from schemas.event import PATIENTS

Content = Mapping[str, Any]
_NUMBER: Final = re.compile(r"(?<![0-9])([1-9][0-9]?)(?![0-9])")
_PERSONS: Final = frozenset(["patient", "person", "casualty", "victim", "subject"])
_NAMING: Final = frozenset(
    {"name", "key", "code", "id", "label", "field", "type", "question", "level", "lvl", "tier"}
)
_SURE: Final = 0.6
_SAME: Final = 0.9


def find_numbered(names: Iterable[str], version: str) -> dict[str, tuple[str, str]]:
    """Column → (its name with {n} for the number, the national group), for columns numbered from 1
    that are about patients or medications."""
    stems: dict[str, dict[int, str]] = {}
    for name in names:
        if PLACE not in name and (found := _NUMBER.search(name)):
            stem = f"{name[: found.start()]}{PLACE}{name[found.end() :]}"
            stems.setdefault(stem, {})[int(found[1])] = name
    grouped: dict[str, tuple[str, str]] = {}
    for stem, columns in stems.items():
        group = _find_group(stem.replace(PLACE, " "), version)
        if group is not None and 1 in columns:
            grouped |= dict.fromkeys(columns.values(), (stem, group))
    return grouped


def _find_group(name: str, version: str) -> str | None:
    guesses = guess_by_name(name, version)
    best = max(guesses, key=lambda target: guesses[target], default="")
    if guesses.get(best, 0) >= _SURE:
        group = best.partition(".")[0]
        return group if group in (PATIENTS, MEDICATIONS) else None
    return PATIENTS if _PERSONS & set(cut_into_words(name)) else None


def merge_numbered(
    records: Sequence[Content], numbered: Mapping[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """The records with the numbered columns of one stem as one field with several texts."""
    merged = []
    for record in records:
        one: dict[str, Any] = {}
        for name, value in record.items():
            if name in numbered:
                one.setdefault(numbered[name][0], []).append(value)
            else:
                one[name] = value
        merged.append(one)
    return merged


def find_predicates(records: Sequence[Content]) -> list[str]:
    """XML: elements of one name that say in an attribute which field they are, as steps of a path:
    ``Field[@name='']``. In a record the attribute has several values, none of them twice."""
    told: dict[str, list[bool]] = {}
    for record in records:
        for name, value in record.items():
            path, _, attribute = name.rpartition("/@")
            if attribute in _NAMING and path and isinstance(value, list):
                step = f"{path.rpartition('/')[2]}[@{attribute}='']"
                told.setdefault(step, []).append(len(set(value)) == len(value))
    return [step for step, are_apart in told.items() if sum(are_apart) >= _SAME * len(are_apart)]


def find_nested(names: Iterable[str], version: str) -> dict[str, str]:
    """XML and JSON: path → national group, for the one place below which most of a patient is
    told. (``*`` ends the pointer of a list's items: the list itself is what repeats.)"""
    told: dict[str, int] = {}
    for name in names:
        steps = re.split(r"/(?![^\[]*\])", name)
        if not _is_of_patients(name, version):
            continue
        for depth in range(1, len(steps)):
            above = "/".join(steps[:depth])
            if above:
                told[above] = told.get(above, 0) + 1
    places = {
        path: count
        for path, count in told.items()
        if path.endswith(f"/{EACH}") or _PERSONS & set(cut_into_words(path.rpartition("/")[2]))
    }
    if not places:
        return {}
    best = max(places, key=lambda path: (places[path], path.count("/")))
    return {best.removesuffix(f"/{EACH}"): PATIENTS}


def _is_of_patients(name: str, version: str) -> bool:
    guesses = guess_by_name(name, version)
    return any(
        score >= _SURE and target.startswith(f"{PATIENTS}.") for target, score in guesses.items()
    )


def flatten_nested(
    records: Sequence[Content], groups: Mapping[str, str], *, is_json: bool
) -> list[dict[str, Any]]:
    """The records with what is inside repeated groups under its whole path, as several texts."""
    flat = []
    for record in records:
        one: dict[str, Any] = {}
        for name, value in record.items():
            if name not in groups or not isinstance(value, list):
                one[name] = value
                continue
            for inner in value:
                for below, text in inner.items():
                    texts = text if isinstance(text, list) else [text]
                    one.setdefault(join_path(name, below, is_json=is_json), []).extend(texts)
        flat.append(one)
    return flat


def join_path(at: str, below: str, *, is_json: bool) -> str:
    return f"{at}{below}" if is_json else f"{at}/{below}"
