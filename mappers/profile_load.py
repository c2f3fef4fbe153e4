"""Profiles by name, and from the text of a YAML file; a bad one says what is wrong, and where."""

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from pydantic import ValidationError

from mappers.profile_faults import find_faults
from mappers.profile_model import Profile
from mappers.profile_yaml import Path, read_yaml
from schemas.errors import UnknownError, WrongUseError


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


def find_profiles() -> list[str]:
    """The names of the shipped profiles."""
    folder = files("mappers") / "profiles"
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


@lru_cache
def load_profile(name: str) -> Profile:
    """A shipped profile; UnknownError names the ones there are."""
    if name not in find_profiles():
        raise UnknownError(f"no profile '{name}'; there are: {', '.join(find_profiles())}")
    filename = f"{name}.yaml"
    text = (files("mappers") / "profiles" / filename).read_text(encoding="utf-8")
    profile = parse_profile(text, filename)
    if profile.name != name:
        raise WrongUseError(f"{filename}: its name is '{profile.name}', not that of its file")
    return profile
