"""Parameters of an address: what is wrong with one in words, and those that are no parameter there:
a dry run that is misspelt must not be a real one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request

from gateway.api.problems import ApiProblem

# By the kind of pydantic's error; what it knows of the bounds is filled in.
_WORDS: Final[Mapping[str, str]] = {
    "missing": "it is needed",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "bool_parsing": "true or false",
    "greater_than_equal": "a number from {ge} on",
    "less_than_equal": "a number up to {le}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
}
# Names may be anything: those that could be a person's are not told again.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", re.ASCII)
_NO_LETTER: Final = re.compile(r"[^a-z]", re.ASCII)


def word_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """Each parameter that cannot be read, and what would be; never its value."""
    return "; ".join(f"{one['loc'][-1]}: {_word(one)}" for one in errors)


def _word(error: Mapping[str, Any]) -> str:
    told = _WORDS.get(error["type"])
    if told is None:
        return str(error["msg"])
    return told.format_map(error.get("ctx", {}))


def check_parameters(request: Request) -> None:
    """400 for a parameter that the address does not have; FHIR's own (``_format``, …) may stand
    anywhere."""
    if not request.scope["query_string"]:
        return
    known = [one.alias for one in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known and not name.startswith("_"):
            raise _make_unknown(name, known)


def check_no_dry_run(request: Request) -> None:
    """400 where a request about one event asks for a dry run, which would store it."""
    if request.scope["query_string"] and any(map(is_dry_run, request.query_params)):
        raise ApiProblem(
            400,
            "request-malformed",
            "A single event has no dry run",
            "POST it to /adverse-event/fhir/AdverseEvent/$validate, which stores nothing.",
        )


def is_dry_run(name: str) -> bool:
    """Whether that is meant, however it is spelt."""
    return _NO_LETTER.sub("", name.lower()) == "dryrun"


def _make_unknown(name: str, known: Sequence[str]) -> ApiProblem:
    told = f"'{name}' is none" if _NAME.fullmatch(name) else "One of these is none"
    accepted = ", ".join(known) or "no parameters at all"
    return ApiProblem(
        400,
        "request-malformed",
        "The address has no such parameter",
        f"{told}; accepted: {accepted}.",
    )
