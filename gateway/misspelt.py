"""Environment variables that look like a setting and are none: a setting that is misspelt would
silently be its default, which of ``LRMS_DATABASE_URL`` is another database."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Final

PREFIX: Final = "LRMS_"
# Alike enough to be meant: LRMS_TEST_DATABASE_URL (0.83) is not, LRMS_DATABSE_URL (0.96) is.
_ALIKE: Final = 0.88


def find_misspelt(environment: Collection[str], settings: Collection[str]) -> Iterator[str]:
    """What to say of each name that is nearly that of a setting (``database_url``). Other names
    with our prefix are anybody's own: a secret that a collector is told of, for example."""
    for name in sorted(environment):
        own = name.upper().removeprefix(PREFIX).lower()
        if not name.upper().startswith(PREFIX) or own in settings:
            continue
        for meant in get_close_matches(own, settings, n=1, cutoff=_ALIKE):
            yield f"{name}: no such setting; {PREFIX}{meant.upper()} is one"
