"""A profile over the one it extends: mappings merge, everything else replaces, ``~`` takes away.

Works on what the YAML files say, before it is validated, so that a fault is told at the line of
the file that has it. A condition (``when``) replaces as a whole: half of one condition and half
of another is neither.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mappers.profile_problems import BadProfileError, Path, Places, Problem, locate

_HEADS = ("taxonomy_version", "local_id", "event_type", "event_date", "narrative")
_GROUPS = ("patients", "medications")
_WHOLE = frozenset({"when"})
# Its own, never its parent's.
_OWN = ("name", "version", "extends", "description")


class Layer(NamedTuple):
    """What the files of a profile say together, and where each key stands."""

    content: dict[str, Any]
    places: Places


def merge(parent: Layer, child: Layer) -> Layer:
    """The child's profile in full. BadProfileError where it takes away what is not there, or
    reads another format."""
    parent, child = _spell_out(parent), _spell_out(child)
    below = {key: value for key, value in parent.content.items() if key not in _OWN}
    _check_format(below, child)
    _make_way(below, child.content)
    problems: list[Problem] = []
    content = _merge(below, child.content, (), child.places, problems)
    if problems:
        raise BadProfileError(problems)
    content["version"] = name_version(child.content, parent.content)
    # Of a key that both have, the child's line is named; what is gone does no harm.
    return Layer(content, parent.places | child.places)


def name_version(child: Mapping[str, Any], parent: Mapping[str, Any]) -> Any:
    """``2 (lrms-csv 1)``: a change of the parent is a change of the child."""
    version = child.get("version")
    given = f"{parent.get('name')} {parent.get('version')}"
    return f"{version} ({given})" if isinstance(version, str) and version else version


def find_removals(content: Any, path: Path = ()) -> Iterator[Path]:
    """Where the content has a ``~``."""
    if isinstance(content, dict):
        for key, value in content.items():
            if value is None:
                yield (*path, key)
            yield from find_removals(value, (*path, key))
    elif isinstance(content, list):
        for place, value in enumerate(content):
            yield from find_removals(value, (*path, place))


def _check_format(below: Mapping[str, Any], child: Layer) -> None:
    ours, theirs = child.content.get("format"), below.get("format")
    if ours not in (None, theirs):
        message = f"the profile it extends reads {theirs}; so must this one"
        raise BadProfileError([locate(("format",), child.places, message)])


def _merge(
    below: dict[str, Any],
    above: dict[str, Any],
    path: Path,
    places: Places,
    problems: list[Problem],
) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        here = (*path, key)
        if value is None:
            if merged.pop(key, None) is None:
                message = "'~' takes away what the profile it extends does not have"
                problems.append(locate(here, places, message))
        elif _is_other(merged.get(key), value, here):
            merged[key] = value
            problems += [
                locate(gone, places, "'~' stands where there is nothing to take away")
                for gone in find_removals(value, here)
            ]
        else:
            merged[key] = _merge(merged[key], value, here, places, problems)
    return merged


def _is_other(below: Any, above: Any, path: Path) -> bool:
    """Whether what stands above replaces what stands below."""
    if not isinstance(below, dict) or not isinstance(above, dict) or path[-1] in _WHOLE:
        return True
    if len(path) == 1 and path[0] in _HEADS:
        return ("value" in above) != ("value" in below)
    # The field now fills another element: codes and formats of the first mean nothing for it.
    return "to" in above and "to" in below and above["to"] != below["to"]


def _spell_out(layer: Layer) -> Layer:
    """Short forms written out, so that both merge: ``location: X.Y`` as ``{to: X.Y}``."""
    content, places = dict(layer.content), dict(layer.places)
    for head in _HEADS:
        given = content.get(head)
        if isinstance(given, str) and not (head == "taxonomy_version" and given.isdecimal()):
            content[head] = {"field": given}
            places[head, "field"] = places.get((head,), places[()])
    _spell_out_rules(content, (), places)
    for group in _GROUPS:
        if isinstance(content.get(group), dict):
            content[group] = dict(content[group])
            _spell_out_rules(content[group], (group,), places)
    return Layer(content, places)


def _spell_out_rules(holder: dict[str, Any], path: Path, places: Places) -> None:
    elements = holder.get("elements")
    if not isinstance(elements, dict):
        return
    holder["elements"] = dict(elements)
    for field, given in elements.items():
        if isinstance(given, str):
            here = (*path, "elements", field)
            holder["elements"][field] = {"to": given}
            places[(*here, "to")] = places.get(here, places[()])


def _make_way(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    """What the child ignores, its parent no longer maps; what the child maps, its parent no
    longer ignores."""
    ignored = _names(above.get("ignored"))
    mapped = _names(above.get("elements"))
    for head in map(above.get, _HEADS):
        if isinstance(head, dict):
            mapped |= {str(head.get("field")), *_names(head.get("more"))}
    if "elements" in below:
        below["elements"] = _without(below["elements"], ignored)
    for group in _GROUPS:
        own, parents = above.get(group), below.get(group)
        starts = _find_starts(own, parents)
        if isinstance(own, dict):
            mapped |= {start + name for name in _names(own.get("elements")) for start in starts}
        if isinstance(parents, dict) and "elements" in parents:
            inside = {
                name.removeprefix(start)
                for name in ignored
                for start in starts
                if name.startswith(start)
            }
            below[group] = {**parents, "elements": _without(parents["elements"], inside)}
    if "ignored" in below:
        below["ignored"] = _without(below["ignored"], mapped)


def _find_starts(own: Any, parents: Any) -> tuple[str, ...]:
    """What may stand before the names of a repeated group's fields where they are ignored."""
    for group in (own, parents):
        if isinstance(group, dict) and isinstance(group.get("at"), str):
            at: str = group["at"]
            return (f"{at}/*", at) if at.startswith("/") else (f"{at}/",)
    return ("",)


def _names(given: Any) -> set[str]:
    if not isinstance(given, dict):
        return set()
    return {name for name, value in given.items() if value is not None}


def _without(given: Any, names: set[str]) -> Any:
    if not isinstance(given, dict):
        return given
    return {name: value for name, value in given.items() if name not in names}
