"""A replay from outside: its terms as plain values, its outcome as counts."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.replay import MOST, Pace, replay_records
from schemas.errors import WrongUseError
from schemas.quarantine import UnloadedFilter

_FIELDS = frozenset(UnloadedFilter.__struct_fields__)


def run_replay(gateway: Gateway, terms: Mapping[str, Any]) -> dict[str, int]:
    """``terms``: the fields of an UnloadedFilter, ``for_real``, ``most`` and ``per_minute``; None
    is none. Gives ``{"records": …, "changed": …}`` and how many became, or would become, what.
    WrongUseError for terms that cannot be."""
    given = {name: value for name, value in terms.items() if value is not None}
    pace = Pace(int(given.pop("per_minute", 0)), gateway.monotonic)
    most, for_real = int(given.pop("most", MOST)), given.pop("for_real", False) is True
    counts: Counter[str] = Counter(records=0, changed=0)
    for one in replay_records(gateway, _read(given), for_real=for_real, most=most, pace=pace):
        counts["records"] += 1
        counts["changed"] += one.is_changed
        counts[one.after or "not_tried"] += 1
    return dict(counts)


def _read(given: Mapping[str, Any]) -> UnloadedFilter:
    if unknown := sorted(given.keys() - _FIELDS):
        raise WrongUseError(f"a replay knows no {', '.join(unknown)}")
    try:
        wanted = msgspec.convert(given, UnloadedFilter)
    except msgspec.ValidationError as error:
        raise WrongUseError(f"a replay cannot be by these terms: {error}") from None
    zoned = {
        name: value.replace(tzinfo=UTC)
        for name in ("since", "until")
        if (value := getattr(wanted, name)) is not None and value.tzinfo is None
    }
    return msgspec.structs.replace(wanted, **zoned)
