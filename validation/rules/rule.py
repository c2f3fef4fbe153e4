"""What a rule is: one sentence of the national schema as a function."""

from collections.abc import Callable, Iterable
from typing import Final

from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission

# The event is well formed (validation.well_formed) and of a known taxonomy version; its codes,
# dates and cardinalities may still be wrong, which the taxonomy check has said by then.
Rule = Callable[[NationalEvent, Submission], Iterable[Finding]]

# Most rules find nothing in most events: one tuple for all of them, no generator each.
NOTHING: Final[tuple[Finding, ...]] = ()
