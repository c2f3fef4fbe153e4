"""Whether a feed is one that a shipped profile was made for: its fields have the same names."""

from typing import Final, NamedTuple

from gateway.profiles.infer_model import FeedFormat
from mappers.profile_load import find_profiles, load_profile
from mappers.profile_model import Profile

_ENOUGH: Final = 0.6
_FEWEST: Final = 5


class Known(NamedTuple):
    """``shared`` of the feed's fields are named in the profile."""

    profile: str
    shared: int


def find_known(names: frozenset[str], feed_format: FeedFormat) -> Known | None:
    """The shipped profile that knows most of the feed's fields, if it knows enough of them."""
    found = []
    for name in find_profiles():
        profile = load_profile(name)
        if profile.format == feed_format:
            found.append(Known(name, len(names & _list_fields(profile))))
    best = max(found, key=lambda one: one.shared, default=None)
    if best is None or best.shared < max(_FEWEST, _ENOUGH * len(names)):
        return None
    return best


def _list_fields(profile: Profile) -> set[str]:
    named = {head.field for head in profile.heads.values()}
    named |= {more for head in profile.heads.values() for more in head.more}
    named |= profile.elements.keys() | profile.ignored.keys()
    for group in profile.repeated.values():
        between = "" if profile.format == "json" else "/"
        start = f"{group.at}{between}" if group.at else ""
        named |= {f"{start}{field}" for field in group.elements}
    return named
