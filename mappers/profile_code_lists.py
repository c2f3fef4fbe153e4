"""Code lists as CSV files beside a profile: columns ``theirs`` and ``national``, and any others
as notes for people."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from mappers.profile_problems import BadProfileError, Path, Place, Places, Problem, locate

_COLUMNS = ("theirs", "national")
# A file of the profile's own folder, never a way out of it.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.csv")
# Gives the bytes of a file beside the profile, None where there is no such file.
ReadBeside = Callable[[str], bytes | None]


class CodeList(NamedTuple):
    codes: dict[str, str]
    places: dict[str, Place]


def read_code_list(content: bytes, filename: str) -> CodeList:
    """Their code → national code, blanks around them left out; BadProfileError names file, row
    and column of all that is wrong."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        _refuse(filename, row, "not in UTF-8; save it as CSV in UTF-8")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        _refuse(filename, 1, f"not CSV: {error}")
    header = [name.strip().lower() for name in rows[0]] if rows else []
    for column in _COLUMNS:
        if header.count(column) != 1:
            _refuse(filename, 1, f"the header must hold '{column}' once; it must hold theirs and"
                    " national, and may hold notes")  # fmt: skip
    return _read_rows(rows, [header.index(column) for column in _COLUMNS], filename)


def _refuse(filename: str, row: int, message: str) -> NoReturn:
    raise BadProfileError([Problem(Place(filename, row, "row"), "", message)])


def _read_rows(rows: list[list[str]], columns: list[int], filename: str) -> CodeList:
    found = CodeList({}, {})
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        place = Place(filename, number, "row")
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(columns):
            problems.append(Problem(place, "column 'national'", "the row ends before it"))
            continue
        theirs, national = (row[column].strip() for column in columns)
        if not theirs:
            problems.append(Problem(place, "column 'theirs'", "empty; a row has their code"))
        elif found.codes.setdefault(theirs, national) != national:
            before = found.places[theirs].line
            message = f"'{theirs}' stands in row {before} with another national code"
            problems.append(Problem(place, "column 'theirs'", message))
        found.places.setdefault(theirs, place)
    if problems:
        raise BadProfileError(problems)
    return found


def include_code_lists(
    content: dict[str, Any], places: Places, read_beside: ReadBeside, folder: str
) -> None:
    """Puts the codes of a CSV file where the profile names one. ``folder`` is its name for
    messages, with the slash. All that is wrong with any of them is raised at once."""
    problems: list[Problem] = []
    for holder, key, path in list(_find_named(content)):
        try:
            read = _read_named(holder[key], path, places, read_beside, folder)
        except BadProfileError as error:
            problems += [one for one in error.problems if one not in problems]
            continue
        holder[key] = read.codes
        places.update({(*path, theirs): place for theirs, place in read.places.items()})
    if problems:
        raise BadProfileError(problems)


def _read_named(
    name: str, path: Path, places: Places, read_beside: ReadBeside, folder: str
) -> CodeList:
    if not _FILE_NAME.fullmatch(name):
        message = f"'{name}': the name of a CSV file in the profile's own folder"
        raise BadProfileError([locate(path, places, message)])
    content = read_beside(name)
    if content is None:
        raise BadProfileError([locate(path, places, f"no file '{name}' beside the profile")])
    return read_code_list(content, folder + name)


def _find_named(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """Where a file may be named: each code list, and ``codes`` of a rule, wherever that stands."""
    lists = content.get("code_lists")
    if isinstance(lists, dict):
        yield from ((lists, name, ("code_lists", name)) for name in lists if _is_file(lists[name]))
    for key, value in content.items():
        if key not in ("code_lists", "ignored", "constants", "namespaces"):
            yield from _find_codes(value, (key,))


def _find_codes(value: Any, path: Path) -> Iterator[tuple[dict[str, Any], str, Path]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _find_codes(item, (*path, place))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "codes" and _is_file(inner):
                yield value, key, (*path, key)
            yield from _find_codes(inner, (*path, key))


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.lower().endswith(".csv")
