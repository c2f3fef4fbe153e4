"""Mark the events of finished batches as externally recorded."""

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import spanned


@spanned("mark")
def mark_externally_recorded(gateway: Gateway) -> dict[str, int]:
    """Every event of a finished batch carries by which source, route and organisation it was
    recorded, and whether that is another organisation than where it happened. Done once an
    event; ``{"marked": …}``."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        return {"marked": work.marks.mark_batches()}
