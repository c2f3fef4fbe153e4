"""The one exception of the adapters: the feed as a whole cannot be read on."""

from schemas.finding import Finding


class BrokenFeed(Exception):  # noqa: N818 - it is a verdict on the feed, not a fault of ours
    """Raised after the records before the break were given. ``finding`` has scope batch."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding
