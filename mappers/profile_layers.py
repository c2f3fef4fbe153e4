"""What the files of a profile say together: its YAML, the code lists beside it, and the same of
the profiles it extends."""

from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from mappers.profile_code_lists import include_code_lists
from mappers.profile_merge import Layer, find_removals, merge
from mappers.profile_problems import BadProfileError, Place, Problem, locate
from mappers.profile_yaml import read_yaml
from schemas.errors import WrongUseError

FILE_NAME = "profile.yaml"
_MOST_PARENTS = 5


class Files:
    """Reads files and remembers what they held, so that a change is noticed."""

    def __init__(self) -> None:
        self._read: list[tuple[Traversable, bytes]] = []

    def read(self, file: Traversable) -> bytes:
        content = file.read_bytes()
        self._read.append((file, content))
        return content

    def are_unchanged(self) -> bool:
        try:
            return all(file.read_bytes() == content for file, content in self._read)
        except OSError:
            return False


class Origin(NamedTuple):
    """A YAML file with the folder it lies in; both None for a text that lies nowhere."""

    shown: str
    file: Traversable | None = None
    folder: Traversable | None = None


# Gives the file of a profile on the shelf.
FindNamed = Callable[[str], Origin]


class LayerReading:
    """Reads one profile with all that it extends."""

    def __init__(self, find_named: FindNamed) -> None:
        self._find_named = find_named
        self._chain: list[str] = []
        self.files = Files()

    def read_file(self, origin: Origin) -> Layer:
        if origin.file is None:
            raise ValueError("a text has no file")
        content = self.files.read(origin.file)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = Place(origin.shown, content.count(b"\n", 0, error.start) + 1)
            raise BadProfileError([Problem(place, "", "not in UTF-8")]) from None
        return self.read_text(text, origin)

    def read_text(self, text: str, origin: Origin) -> Layer:
        """The layer of a profile in full. BadProfileError where it cannot be put together."""
        content, places = read_yaml(text, origin.shown)
        if not isinstance(content, dict):
            message = "a profile is keys and values: name, version, format …"
            raise BadProfileError([Problem(places[()], "profile", message)])
        layer = Layer(content, places)
        before, _, _ = origin.shown.rpartition("/")
        include_code_lists(
            content, places, lambda name: self._read_beside(name, origin), before and f"{before}/"
        )
        if content.get("extends") is None:
            _refuse_removals(layer)
            return layer
        return merge(self._read_parent(layer, origin), layer)

    def _read_beside(self, name: str, origin: Origin) -> bytes | None:
        if origin.folder is None or not (origin.folder / name).is_file():
            return None
        return self.files.read(origin.folder / name)

    def _read_parent(self, layer: Layer, origin: Origin) -> Layer:
        try:
            parent = self._find_parent(layer.content["extends"], origin)
        except WrongUseError as error:
            raise BadProfileError([locate(("extends",), layer.places, str(error))]) from None
        self._chain.append(str(origin.file or origin.shown))
        if str(parent.file) in self._chain:
            message = f"{parent.shown} extends this one in turn"
        elif len(self._chain) > _MOST_PARENTS:
            message = f"more than {_MOST_PARENTS} profiles over one another"
        else:
            return self.read_file(parent)
        raise BadProfileError([locate(("extends",), layer.places, message)])

    def _find_parent(self, name: Any, origin: Origin) -> Origin:
        """A file beside by its name, any other by its name on the shelf."""
        if not isinstance(name, str):
            raise WrongUseError("the name of one profile")
        if not name.endswith(".yaml"):
            return self._find_named(name)
        if "/" in name or "\\" in name or name.startswith("."):
            raise WrongUseError(f"'{name}': a profile on the shelf, or a YAML file beside this one")
        if origin.folder is None or not (origin.folder / name).is_file():
            raise WrongUseError(f"no file '{name}' beside the profile")
        return make_origin(origin.folder / name, origin.folder)


def make_origin(file: Traversable, folder: Traversable) -> Origin:
    """Profiles that are folders are told apart by the folder's name."""
    shown = f"{folder.name}/{file.name}" if file.name == FILE_NAME and folder.name else file.name
    return Origin(shown, file, folder)


def _refuse_removals(layer: Layer) -> None:
    message = "'~' takes away what another profile says, and this one extends none"
    problems = [locate(path, layer.places, message) for path in find_removals(layer.content)]
    if problems:
        raise BadProfileError(problems)
