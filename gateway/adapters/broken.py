"""What adapters say of a feed as a whole: it cannot be read on, or something worth knowing."""

from collections.abc import Callable

from schemas.finding import Finding

# Takes the findings on a feed that do not end it. Some are told only when the last record was
# given: whoever stores them does so once the reading is done; begun again, it tells them again.
Tell = Callable[[Finding], None]


class BrokenFeed(Exception):  # noqa: N818 - it is a verdict on the feed, not a fault of ours
    """Raised after the records before the break were given. ``finding`` has scope batch."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def tell_nobody(_finding: Finding) -> None:
    """For whom only the records count."""
