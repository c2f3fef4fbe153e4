"""Profiles by name from their shelf, and from the text of a YAML file; a bad one says what is
wrong, and where."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers.profile_faults import find_faults, find_remarks
from mappers.profile_layers import FILE_NAME, Files, LayerReading, Origin, make_origin
from mappers.profile_merge import Layer
from mappers.profile_model import Profile
from mappers.profile_problems import BadProfileError, Problem, locate
from mappers.profile_wording import word_errors
from schemas.errors import UnknownError, WrongUseError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Examined(NamedTuple):
    """A profile, what its files say together, and what is wrong (faults: it cannot be used) or
    looks wrong (remarks). ``profile`` is None where the faults leave none."""

    profile: Profile | None
    content: dict[str, Any]
    faults: list[Problem]
    remarks: list[Problem]


class Shelf:
    """Where profiles are found by name: folders with ``<name>/profile.yaml`` or ``<name>.yaml``.
    A folder that does not exist holds none. No two profiles share a name.

    What is loaded is kept until one of its files changes.
    """

    def __init__(self, folders: Sequence[Traversable]) -> None:
        self._folders = tuple(folders)
        self._kept: dict[str, tuple[Profile, Files]] = {}

    def find_names(self) -> list[str]:
        return sorted({name for folder in self._folders for name, _ in _list_profiles(folder)})

    def find_file(self, given: str) -> Traversable:
        """The YAML file of a profile on the shelf, or the one at a path (of a folder: the
        ``profile.yaml`` in it)."""
        origin = self._find_named(given) if self._is_name(given) else _find_at(Path(given))
        if origin.file is None:
            raise ValueError("what is found by name or path is a file")
        return origin.file

    def load(self, name: str) -> Profile:
        """UnknownError names the profiles there are; BadProfileError says all that is wrong."""
        origin, kept = self._find_named(name), self._kept.get(name)
        if kept is None or not kept[1].are_unchanged():
            layer, read = self._read_named(name, origin)
            kept = self._kept[name] = (_make_profile(layer), read)
        return kept[0]

    def read_file(self, path: Path) -> Profile:
        """A profile by its YAML file, or the folder of one, wherever it lies; it may extend one
        on the shelf."""
        return _make_profile(self._read(_find_at(path))[0])

    def read_any(self, given: str) -> Profile:
        """A profile by its name on the shelf, or by the path to its file or folder."""
        return _make_profile(self._read_any(given))

    def examine(self, given: str) -> Examined:
        """A profile by name or path, with all that can be said of it without a feed."""
        try:
            layer = self._read_any(given)
        except BadProfileError as error:
            return Examined(None, {}, error.problems, [])
        return _examine(layer)

    def parse(self, text: str, filename: str) -> Profile:
        """The profile a YAML text says; it may extend one on the shelf."""
        return _make_profile(LayerReading(self._find_named).read_text(text, Origin(filename)))

    def _is_name(self, given: str) -> bool:
        """A name goes before a file of that name in the working folder."""
        return bool(_NAME.fullmatch(given)) and (
            given in self.find_names() or not Path(given).exists()
        )

    def _read_any(self, given: str) -> Layer:
        if self._is_name(given):
            return self._read_named(given, self._find_named(given))[0]
        return self._read(_find_at(Path(given)))[0]

    def _read_named(self, name: str, origin: Origin) -> tuple[Layer, Files]:
        layer, read = self._read(origin)
        if layer.content.get("name") not in (name, None):
            message = f"its folder or file says '{name}': a profile is found by that name"
            raise BadProfileError([locate(("name",), layer.places, message)])
        return layer, read

    def _read(self, origin: Origin) -> tuple[Layer, Files]:
        reading = LayerReading(self._find_named)
        return reading.read_file(origin), reading.files

    def _find_named(self, name: str) -> Origin:
        found = [
            origin
            for folder in self._folders
            for one, origin in _list_profiles(folder)
            if one == name
        ]
        if not found:
            raise UnknownError(f"no profile '{name}'; there are: {', '.join(self.find_names())}")
        if len(found) > 1:
            both = " and ".join(str(origin.file) for origin in found)
            raise WrongUseError(
                f"two profiles are named '{name}': {both}; give yours a name of its own"
                f" (it may extend the other: 'extends: {name}')"
            )
        return found[0]


def _list_profiles(folder: Traversable) -> Iterator[tuple[str, Origin]]:
    """Only what stands in the folder is compared with a name, so no name leads out of it."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        name = entry.name.removesuffix(".yaml")
        if not _NAME.fullmatch(name):
            continue
        if entry.is_dir() and (entry / FILE_NAME).is_file():
            yield name, make_origin(entry / FILE_NAME, entry)
        elif entry.name.endswith(".yaml") and entry.is_file():
            yield name, make_origin(entry, folder)


def _find_at(path: Path) -> Origin:
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise UnknownError(f"{path}: no profile there, neither a YAML file nor a folder with one")
    return make_origin(file, file.absolute().parent)


def _make_profile(layer: Layer) -> Profile:
    profile, faults = _validate(layer)
    if profile is None or faults:
        raise BadProfileError(faults)
    return profile


def _validate(layer: Layer) -> tuple[Profile | None, list[Problem]]:
    try:
        profile = Profile.model_validate(layer.content)
    except ValidationError as error:
        return None, word_errors(error, layer.places)
    faults = [locate(path, layer.places, message) for path, message in find_faults(profile)]
    return profile, list(dict.fromkeys(faults))


def _examine(layer: Layer) -> Examined:
    profile, faults = _validate(layer)
    if profile is None or faults:
        return Examined(None, layer.content, faults, [])
    remarks = [locate(path, layer.places, message) for path, message in find_remarks(profile)]
    return Examined(profile, layer.content, [], list(dict.fromkeys(remarks)))


def make_shelf(*own: Traversable) -> Shelf:
    """The shipped profiles, and those in folders of one's own."""
    return Shelf([files("mappers") / "profiles", *own])


@lru_cache
def _open_shipped() -> Shelf:
    return make_shelf()


def parse_profile(text: str, filename: str) -> Profile:
    """The profile a YAML text says; WrongUseError with file, line, key and what is accepted."""
    return _open_shipped().parse(text, filename)


def find_profiles() -> list[str]:
    """The names of the shipped profiles."""
    return _open_shipped().find_names()


def load_profile(name: str) -> Profile:
    """A shipped profile; UnknownError names the ones there are."""
    return _open_shipped().load(name)
