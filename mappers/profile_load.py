"""Profiles by name from their shelf, and from the text of a YAML file; a bad one says what is
wrong, and where."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path as File

from pydantic import ValidationError

from mappers.profile_faults import find_faults
from mappers.profile_model import Profile
from mappers.profile_yaml import Path, read_yaml
from schemas.errors import UnknownError, WrongUseError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def parse_profile(text: str, filename: str) -> Profile:
    """The profile a YAML text says; WrongUseError with file, line, key and what is accepted."""
    content, lines = read_yaml(text, filename)
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        problems = [(tuple(one["loc"]), one["msg"]) for one in error.errors()]
    else:
        problems = list(find_faults(profile))
    if problems:
        raise WrongUseError("\n".join(_word_problems(problems, lines, filename)))
    return profile


def _word_problems(
    problems: list[tuple[Path, str]], lines: dict[Path, int], filename: str
) -> Iterator[str]:
    for path, message in problems:
        known = path
        # pydantic's paths go on behind the key, with the alternative of a union it tried.
        while known and known not in lines:
            known = known[:-1]
        key = ".".join(map(str, known or path)) or "profile"
        yield f"{filename}, line {lines.get(known, 1)}, {key}: {message}"


class Shelf:
    """Where profiles are found by name: folders with ``<name>/profile.yaml`` or ``<name>.yaml``.
    A folder that does not exist holds none."""

    def __init__(self, folders: Sequence[Traversable]) -> None:
        self._folders = tuple(folders)

    def find_names(self) -> list[str]:
        return sorted({name for folder in self._folders for name, _ in _list_profiles(folder)})

    def load(self, name: str) -> Profile:
        """UnknownError names the profiles there are."""
        found = [
            file for folder in self._folders for one, file in _list_profiles(folder) if one == name
        ]
        if not found:
            raise UnknownError(f"no profile '{name}'; there are: {', '.join(self.find_names())}")
        return parse_profile(found[0].read_text(encoding="utf-8"), found[0].name)

    def read_file(self, path: File) -> Profile:
        """A profile by its YAML file, wherever it lies; it may extend one on the shelf."""
        return parse_profile(path.read_text(encoding="utf-8"), path.name)


def _list_profiles(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        name = entry.name.removesuffix(".yaml")
        if not _NAME.fullmatch(name):
            continue
        if entry.is_dir() and (entry / "profile.yaml").is_file():
            yield name, entry / "profile.yaml"
        elif entry.name.endswith(".yaml") and entry.is_file():
            yield name, entry


def make_shelf(*own: Traversable) -> Shelf:
    """The shipped profiles, and those in folders of your own."""
    return Shelf([files("mappers") / "profiles", *own])


@lru_cache
def _shipped() -> Shelf:
    return make_shelf()


def find_profiles() -> list[str]:
    """The names of the shipped profiles."""
    return _shipped().find_names()


@lru_cache
def load_profile(name: str) -> Profile:
    """A shipped profile; UnknownError names the ones there are."""
    return _shipped().load(name)
