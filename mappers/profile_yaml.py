"""YAML of a profile → plain dicts, lists and strings, and the line each key stands on.

Every scalar stays text: YAML 1.1 would make ``y``, ``no`` and ``1.0`` something else, and code
maps are full of them. A key given twice is refused, where YAML libraries keep the last. Only a
plain ``~`` or ``null`` behind a key is None: it takes away what a parent profile says there.
"""

from typing import Any, NoReturn

import yaml

from mappers.profile_problems import BadProfileError, Path, Place, Places, Problem

# Aliases make a small file big, and may point into themselves.
_MAX_NODES = 200_000
_MAX_DEPTH = 20
_REMOVALS = frozenset({"~", "null", "Null", "NULL"})


def read_yaml(text: str, filename: str) -> tuple[Any, Places]:
    """The content, and where each key and list item stands by its path."""
    places: Places = {(): Place(filename, 1)}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        _refuse(filename, line, f"not YAML: {error.problem}")
    except (yaml.YAMLError, RecursionError):
        _refuse(filename, 1, "not YAML: it holds characters YAML forbids, or is nested too deep")
    return _Reading(filename, places).read(node, ()), places


def _refuse(filename: str, line: int, message: str) -> NoReturn:
    raise BadProfileError([Problem(Place(filename, line), "", message)])


class _Reading:
    def __init__(self, filename: str, places: Places) -> None:
        self._filename = filename
        self._places = places
        self._nodes = 0

    def read(self, node: yaml.Node | None, path: Path) -> Any:
        if node is None:
            return None
        line = node.start_mark.line + 1
        self._nodes += 1
        if self._nodes > _MAX_NODES or len(path) > _MAX_DEPTH:
            _refuse(self._filename, line, "bigger or deeper than any profile is")
        self._places.setdefault(path, Place(self._filename, line))
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, place)) for place, item in enumerate(node.value)]
        return node.value

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                _refuse(self._filename, line, "a key is a text")
            if key in found:
                _refuse(self._filename, line, f"'{key}' stands here a second time")
            self._places[*path, key] = Place(self._filename, line)
            value = self.read(value_node, (*path, key))
            found[key] = None if _is_removal(value_node) else value
        return found


def _is_removal(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _REMOVALS
