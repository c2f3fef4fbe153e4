"""The cases as they are shipped: one YAML file a group, one JSON file an event."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Any, Final

import msgspec
import yaml

from gateway.conformance.case import Group
from gateway.conformance.filling import fill_known
from schemas.errors import WrongUseError

# In the order in which they are played: what hurts a server comes last.
GROUPS: Final = (
    "wire",
    "updates",
    "once",
    "real-clients",
    "rejections",
    "headers",
    "feeds",
    "hostile",
)
_CASES: Final = files("gateway.conformance") / "cases"


def read_groups(names: tuple[str, ...] = ()) -> list[Group]:
    """The groups of these names, or all. WrongUseError for a name that no group has."""
    for name in names:
        if name not in GROUPS:
            raise WrongUseError(f"no group {name!r}; there are: {', '.join(GROUPS)}")
    return [read_group(name) for name in GROUPS if not names or name in names]


@lru_cache
def read_group(name: str) -> Group:
    content = yaml.safe_load((_CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    # What several cases share stands under this key, to be referred to by YAML's anchors.
    content.pop("shared", None)
    usual = content.pop("usual", {})
    content["cases"] = [one for case in content["cases"] for one in _expand(usual | case)]
    return msgspec.convert(content, Group)


@lru_cache
def read_event(name: str) -> Mapping[str, Any]:
    """The AdverseEvent of that name, with its placeholders; not to be changed."""
    text = (_CASES / "events" / f"{name}.json").read_text(encoding="utf-8")
    event: Mapping[str, Any] = msgspec.json.decode(text)
    return event


def _expand(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A case with ``each`` is one case for each line of a list there, or for each combination of
    what stands in an object of lists."""
    each = case.pop("each", [{}])
    if isinstance(each, dict):
        each = [dict(zip(each, values, strict=True)) for values in product(*each.values())]
    for values in each:
        yield fill_known(case, values)
