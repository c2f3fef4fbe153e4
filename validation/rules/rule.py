"""What a rule is, one sentence of the national schema as a function, and what rules share."""

from collections.abc import Callable, Iterable
from typing import Final

from schemas.event import NationalEvent, Value
from schemas.finding import Finding
from schemas.submission import Submission

# The event is well formed (validation.well_formed) and of a known taxonomy version; its codes,
# dates and cardinalities may still be wrong, which the taxonomy check has said by then.
Rule = Callable[[NationalEvent, Submission], Iterable[Finding]]

# Most rules find nothing in most events: one tuple for all of them, no generator each.
NOTHING: Final[tuple[Finding, ...]] = ()


def has_any(given: Value | None, wanted: tuple[str, ...]) -> bool:
    """Whether an element's value is, or its list holds, one of these codes."""
    if isinstance(given, list):
        for code in wanted:  # noqa: SIM110 -- a generator costs more than the rest of the rule
            if code in given:
                return True
        return False
    return given in wanted
