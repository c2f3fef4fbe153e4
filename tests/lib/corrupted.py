"""Plain JSON, spoilt somewhere: what a broken or a careless writer of FHIR might make of it."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

SCALARS = st.sampled_from(
    [
        *(None, True, False, 0, 1, -5, 2**40, 1.5, "", " ", "\t", "x", " x", "x ", "a  b", "é"),
        *("true", "2026-02-30", "2026-02-28", "2026", "25:00:00", "12:00:00", "12:00"),
        *("Patient", "AdverseEvent", "Group", "2026-11-22T09:30:00Z", "2026-11-22T09:30:00"),
        *("1", "#patient1", "/"),
    ]
)
NAMES = st.sampled_from(
    [
        *("valueCode", "valueString", "valueInteger", "valueBoolean", "valueDate", "valueTime"),
        *("extension", "resourceType", "resource_type", "id", "unheardOf", "_date", "code", "url"),
        *("reference", "display", "valueCoding", "instance", "subject", "issue", "fhir_comments"),
    ]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


def find_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each (holder, key) of a nested value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from find_places(inner)


def corrupt(value: dict[str, Any], data: st.DataObject) -> None:
    """Somewhere: something else, nothing, another field, the same twice, a list around it, or
    nothing in it."""
    holder, key = data.draw(st.sampled_from(list(find_places(value))))
    change = data.draw(st.sampled_from(["replace", "drop", "add", "twice", "wrap", "empty"]))
    if change == "replace":
        holder[key] = data.draw(JSON)
    elif change == "drop":
        del holder[key]
    elif change == "wrap":
        holder[key] = [holder[key]]
    elif change == "empty":
        holder[key] = data.draw(st.sampled_from([[], {}, [{}], [None]]))
    elif isinstance(holder, list):
        holder.append(data.draw(JSON) if change == "add" else deepcopy(holder[key]))
    else:
        holder[data.draw(NAMES)] = data.draw(JSON) if change == "add" else deepcopy(holder[key])
