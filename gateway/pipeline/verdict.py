"""The verdict on a batch, and what its sender is to do next."""

from collections.abc import Sequence

from schemas.catalogue import reading
from schemas.finding import Finding, has_error
from schemas.receipt import Counts
from schemas.statuses import Verdict


def find_emptiness(counts: Counts, batch_findings: Sequence[Finding]) -> list[Finding]:
    """A feed that was read to its end and held nothing has a finding of its own."""
    return [] if counts.records or has_error(batch_findings) else [reading.EMPTY_FEED.at()]


def decide_verdict(counts: Counts, batch_findings: Sequence[Finding]) -> Verdict:
    """Three kinds, after ICH E2B(R3): all accepted, some need action, none was. A quarantined
    record is not rejected: we took it, and it is not loaded yet."""
    if counts.records == counts.rejected:
        return "rejected"
    if counts.rejected or counts.quarantined or has_error(batch_findings):
        return "partly_accepted"
    return "accepted"


def word_held(batch_id: str, counts: Counts, batch_findings: Sequence[Finding]) -> str:
    """What to do about a batch that waits for a decision, and what each decision does."""
    fault = "as the findings on the batch say"
    asked = (
        f"correct the feed {fault} and send it again whole"
        if has_error(batch_findings)
        else f"look into it {fault}; correct the feed and send it again, or say that it is right"
    )
    accepted = counts.records - counts.rejected - counts.quarantined
    return (
        f"Held: nothing is loaded until it is decided. The sender: {asked}. The operator of the"
        f" gateway: 'lrms-gateway batch release {batch_id} --reason ...' loads what can be read"
        f" ({accepted} of {counts.records} records as they stand below);"
        f" 'lrms-gateway batch discard {batch_id} --reason ...' loads nothing of it."
    )


def decide_next_action(counts: Counts, batch_findings: Sequence[Finding]) -> str:
    asked = _word_for_sender(counts, batch_findings)
    if not counts.quarantined:
        return asked
    kept = (
        f"{counts.quarantined} of {counts.records} records are kept by the gateway, which failed"
        " over them by a fault of its own: do not send them again; they are loaded once it is"
        " mended, and this receipt then says so."
    )
    is_all = counts.quarantined + counts.created + counts.revised + counts.unchanged
    return kept if is_all == counts.records and not has_error(batch_findings) else f"{asked} {kept}"


def _word_for_sender(counts: Counts, batch_findings: Sequence[Finding]) -> str:
    if has_error(batch_findings):
        if counts.records:
            return (
                "The feed could not be read to its end. Correct it as the finding on the batch"
                " says and send it again whole: what is loaded already will be found unchanged."
            )
        return "Nothing was loaded. Correct the feed as its finding says and send it again whole."
    if counts.rejected:
        return (
            "Correct the rejected records as their findings say and send only them again;"
            " everything else is loaded."
            if counts.rejected < counts.records - counts.quarantined
            else "No record was accepted. Correct them as their findings say and send them again."
        )
    return "Nothing to do: every record is loaded."
