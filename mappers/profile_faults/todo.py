"""What a draft left to be decided: its profile can be used, and says so until somebody has."""

from collections.abc import Iterator
from typing import Final

from mappers.profile_faults.uses import Fault
from mappers.profile_model import Profile

# Begins the reason of a field that a draft ignores for want of a better idea.
TODO: Final = "TODO"


def find_remarks(profile: Profile) -> Iterator[Fault]:
    left = [field for field, reason in profile.ignored.items() if reason.startswith(TODO)]
    if left:
        fields = "a field" if len(left) == 1 else f"{len(left)} fields"
        yield ("ignored", left[0]), f"{fields} still to be decided: the reason begins with {TODO}"
