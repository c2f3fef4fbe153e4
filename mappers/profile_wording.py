"""What pydantic found wrong with a profile, in the words of profiles."""

from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from mappers.profile_model import Profile
from mappers.profile_parts import (
    Booleans,
    Case,
    Constant,
    Expectations,
    FieldRule,
    HeadRule,
    Range,
    RepeatedGroup,
    RepeatedRows,
    Take,
)
from mappers.profile_problems import Path, Places, Problem, locate
from mappers.profile_terms import Asked

_MODELS: Final[dict[str, type[BaseModel]]] = {
    **dict.fromkeys(("taxonomy_version", "local_id", "event_type", "event_date"), HeadRule),
    "narrative": HeadRule,
    "elements": FieldRule,
    "patients": RepeatedGroup,
    "medications": RepeatedGroup,
    "derive": Case,
    "rows": RepeatedRows,
    "expectations": Expectations,
    "records": Range,
    "booleans": Booleans,
    "take": Take,
    "when": Asked,
    "a value": Constant,
}
_ELEMENT_NAME: Final = "an element is Group.Element, as AdverseEventAgent.InvolvedAgents"
_PATTERNS: Final = {"name": "a-z, 0-9 and '-', a letter or digit first"}


def word_errors(error: ValidationError, places: Places) -> list[Problem]:
    """Each problem at its line, once."""
    problems = [
        locate(tuple(one["loc"]), places, _word(tuple(one["loc"]), dict(one)))
        for one in error.errors(include_url=False)
    ]
    return list(dict.fromkeys(problems))


def _word(path: Path, error: dict[str, Any]) -> str:
    kind, key, given = error["type"], str(path[-1]) if path else "", error["input"]
    if kind == "extra_forbidden":
        return _word_unknown_key(path)
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in _EXPECTED:
        return f"this is {_name_kind(given)}; {_EXPECTED[kind]} expected here"
    words = {
        "missing": f"'{key}' is missing",
        "literal_error": f"'{given}': one of {error.get('ctx', {}).get('expected')}",
        "string_pattern_mismatch": f"'{given}': {_PATTERNS.get(key, _ELEMENT_NAME)}",
    }
    return words.get(kind, f"'{given}': {error['msg']}")


_EXPECTED: Final = {
    "string_type": "a text is",
    "list_type": "a list is",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "keys and values are"),
}


def _name_kind(given: Any) -> str:
    if given is None or given == "":
        return "empty"
    if isinstance(given, dict):
        return "keys and values"
    return "a list" if isinstance(given, list) else "a text"


def _word_unknown_key(path: Path) -> str:
    model: type[BaseModel] = Profile
    for step in path[:-1]:
        model = _MODELS.get(str(step), model)
    known = sorted(model.model_fields)
    close = get_close_matches(str(path[-1]), known, n=1)
    meant = f"is '{close[0]}' meant? There" if close else "there"
    return f"'{path[-1]}' is no key here; {meant} are {', '.join(known)}"
