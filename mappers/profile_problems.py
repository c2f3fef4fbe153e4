"""What is wrong with a profile, and where: file, line, key, and what would be accepted."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.errors import WrongUseError

# The keys from the top of the profile to a value.
Path = tuple[str | int, ...]


class Place(NamedTuple):
    """Line or row of a file, from 1. In a CSV file, rows count as a spreadsheet shows them."""

    file: str
    line: int
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.line}"


Places = dict[Path, Place]


class Problem(NamedTuple):
    place: Place
    key: str
    message: str

    def __str__(self) -> str:
        return ", ".join([str(self.place), *([self.key] if self.key else [])]) + f": {self.message}"


class BadProfileError(WrongUseError):
    """A profile that cannot be used; all that is wrong with it as far as it can be read."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


def locate(path: Path, places: Mapping[Path, Place], message: str) -> Problem:
    """The problem at the line of its key, or of the nearest key around it that stands there.
    Steps that are no keys of the file (pydantic names the alternative of a union it tried) are
    passed over."""
    known: Path = ()
    for step in path:
        if (*known, step) in places:
            known = (*known, step)
    return Problem(places[known], ".".join(map(str, known)) or "profile", message)
