"""Where the records of an XML or JSON file are: what repeats and holds most of what is in it."""

from typing import Final, NamedTuple

# A survey looks at so much of a file, and at places no deeper and no more than these.
HEAD: Final = 8 * 2**20
DEEPEST: Final = 40
MOST_PATHS: Final = 20_000
# The records hold at least this share of the file; what holds as much inside them is not one of
# several things a record has, but the record itself.
_SHARE: Final = 0.5
_INNER_SHARE: Final = 0.8

Steps = tuple[str, ...]


class Seen(NamedTuple):
    """What a survey saw of each kind of place: how many there are, and how much they hold.
    ``complex`` are those with something inside that has a name."""

    counts: dict[Steps, int]
    sizes: dict[Steps, int]
    complex: set[Steps]


def find_records(seen: Seen) -> Steps:
    """The path of what repeats and holds most; without any, of the outermost thing that has
    anything inside."""
    root = min(seen.counts, key=len)
    repeated = [path for path, count in seen.counts.items() if count > 1 and path in seen.complex]
    whole = seen.sizes.get(root, 0) or max(seen.sizes.values(), default=0) or 1
    big = [path for path in repeated if seen.sizes.get(path, 0) >= _SHARE * whole]
    if not big:
        return _find_single(seen, root)
    found = min(big, key=lambda path: (len(path), -seen.sizes.get(path, 0)))
    while inner := _find_inner(seen, repeated, found):
        found = inner
    return found


def _find_inner(seen: Seen, repeated: list[Steps], found: Steps) -> Steps | None:
    """Records in groups (sites, months): the groups hold hardly anything of their own."""
    return next(
        (
            path
            for path in sorted(repeated, key=len)
            if len(path) > len(found)
            and path[: len(found)] == found
            and seen.counts[path] >= 2 * seen.counts[found]
            and seen.sizes.get(path, 0) >= _INNER_SHARE * seen.sizes.get(found, 1)
        ),
        None,
    )


def _find_single(seen: Seen, root: Steps) -> Steps:
    """A file with one record: the one thing inside the root, if that is all there is."""
    children = [path for path in seen.counts if len(path) == len(root) + 1]
    if len(children) == 1 and children[0] in seen.complex:
        return children[0]
    return root
