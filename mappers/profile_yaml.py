"""YAML of a profile → plain dicts, lists and strings, and the line each key stands on.

Every scalar stays text: YAML 1.1 would make ``y``, ``no`` and ``1.0`` something else, and code
maps are full of them. A key given twice is refused, where YAML libraries keep the last.
"""

from typing import Any

import yaml

from schemas.errors import WrongUseError

Path = tuple[str | int, ...]


def read_yaml(text: str, filename: str) -> tuple[Any, dict[Path, int]]:
    """The content, and the line (from 1) of each key and list item by its path."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WrongUseError(f"{filename}, line {line}: not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise WrongUseError(f"{filename}: not YAML: it holds characters YAML forbids") from None
    lines: dict[Path, int] = {}
    return _Reading(filename, lines).read(node, ()), lines


class _Reading:
    def __init__(self, filename: str, lines: dict[Path, int]) -> None:
        self._filename = filename
        self._lines = lines

    def read(self, node: yaml.Node | None, path: Path) -> Any:
        if node is None:
            return None
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, place)) for place, item in enumerate(node.value)]
        return node.value

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in found:
                raise WrongUseError(
                    f"{self._filename}, line {line}: '{key}' stands here a second time"
                )
            self._lines[*path, key] = line
            found[key] = self.read(value_node, (*path, key))
        return found
