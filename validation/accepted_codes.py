"""What would have been accepted where a code is not in its value set, in words."""

from functools import lru_cache

from schemas.taxonomy import CodeSystem, get_taxonomy

_ALL_UP_TO = 12
_FIRST_OF_MANY = 4
_LABEL_LENGTH = 40


@lru_cache
def list_accepted(version: str, value_set: str) -> str:
    """``4 Medications, 3 Devices, …``; of a long list the number of codes and the first few."""
    codes = get_taxonomy(version).code_systems[value_set].codes
    if len(codes) <= _ALL_UP_TO:
        return ", ".join(_entry(code, label) for code, label in codes.items())
    first = list(codes.items())[:_FIRST_OF_MANY]
    return f"{len(codes)} codes, such as " + ", ".join(_entry(*entry) for entry in first)


def word_accepted(version: str, value_set: str, value: object) -> str:
    """The accepted codes, and the one that was meant where that can be told: a label sent instead
    of its code, or a code with leading zeros or blanks."""
    accepted = list_accepted(version, value_set)
    meant = _find_meant(get_taxonomy(version).code_systems[value_set], value)
    return f"{accepted} (did you mean {meant}?)" if meant else accepted


def _find_meant(codes: CodeSystem, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip().casefold()
    for code, label in codes.codes.items():
        if text in (label.casefold(), code) or (text.isdigit() and text.lstrip("0") == code):
            return _entry(code, label)
    return None


def _entry(code: str, label: str) -> str:
    if len(label) > _LABEL_LENGTH:
        label = label[: _LABEL_LENGTH - 1].rstrip() + "…"
    return f"{code} {label}"
