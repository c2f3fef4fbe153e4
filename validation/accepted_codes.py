"""What would have been accepted where a code is not in its value set, in words."""

from functools import lru_cache

from schemas.taxonomy import CodeSystem, get_taxonomy

# In characters. Nearly every list is shown with its labels; specialties and devices are not.
_LABELS_UP_TO = 800
_CODES_UP_TO = 400
_FIRST_OF_MANY = 10


@lru_cache
def list_accepted(version: str, value_set: str) -> str:
    """``4 Medications, 3 Devices, …``, whole; a long list without its labels (their value set has
    them); of a very long one the first codes and how many there are."""
    codes = get_taxonomy(version).code_systems[value_set].codes
    labelled = ", ".join(_entry(code, label) for code, label in codes.items())
    if len(labelled) <= _LABELS_UP_TO:
        return labelled
    plain = ", ".join(codes)
    if len(plain) <= _CODES_UP_TO:
        return plain
    return f"{', '.join(list(codes)[:_FIRST_OF_MANY])} … ({len(codes)} codes)"


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
    return f"{code} {label}"
