"""What can be said of a profile without a feed. Faults: it cannot be used, or part of it could
never do anything. Remarks: it can be used, and something looks wrong or will be a finding."""

from collections.abc import Callable, Iterator
from typing import Final

from mappers.profile_faults import (
    codes,
    conditions,
    doubles,
    formats,
    needs,
    paths,
    reach,
    rules,
    todo,
)
from mappers.profile_faults.uses import Fault
from mappers.profile_model import Profile

_FAULTS: Final[tuple[Callable[[Profile], Iterator[Fault]], ...]] = (
    formats.find_faults,
    paths.find_faults,
    rules.find_faults,
    codes.find_faults,
    conditions.find_faults,
    reach.find_faults,
    doubles.find_faults,
)
_REMARKS: Final[tuple[Callable[[Profile], Iterator[Fault]], ...]] = (
    codes.find_remarks,
    conditions.find_remarks,
    reach.find_remarks,
    doubles.find_remarks,
    needs.find_remarks,
    todo.find_remarks,
)


def find_faults(profile: Profile) -> Iterator[Fault]:
    """(keys from the top, what is wrong and what is accepted) of each fault."""
    for find in _FAULTS:
        yield from find(profile)


def find_remarks(profile: Profile) -> Iterator[Fault]:
    """The same of what only looks wrong. The profile has no faults."""
    for find in _REMARKS:
        yield from find(profile)
