"""The words of names, and the data file of what local systems call things (``names.yaml``)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import yaml

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MAX_NAME: Final = 200


@lru_cache
def read_names() -> dict[str, Any]:
    """The data file; every scalar in it is text."""
    text = (files(__package__) / "names.yaml").read_text(encoding="utf-8")
    # BaseLoader: "no" and "y" are words of code lists, and never true or false.
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - our own file
    return found


def cut_into_words(name: str) -> list[str]:
    """The words of a name in any fashion (snake_case, CamelCase, blanks), in lower case and
    singular, abbreviations written out."""
    known: Mapping[str, str] = read_names()["words"]
    words: list[str] = []
    for word in _WORD.findall(name[:_MAX_NAME]):
        plain = _singular(word.lower())
        words += known.get(word.lower(), known.get(plain, plain)).split()
    return words


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
