"""Finish batches whose parts are all loaded: count, decide the verdict, close the receipt."""

import logging

from gateway.bootstrap import Gateway
from gateway.pipeline.verdict import decide_verdict, find_emptiness
from schemas.batch import Batch

log = logging.getLogger(__name__)


def finish_batch(gateway: Gateway, batch: Batch) -> bool:
    """Whether the batch is finished now; not while a part is missing."""
    if batch.state != "planned":
        return batch.state == "finished"
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        if any(part.state != "loaded" for part in work.parts.find(batch.number)):
            return False
        counts = work.receipts.count(batch.number)
        findings = work.receipts.find_batch_findings(batch)
        verdict = decide_verdict(counts, findings)
        # It locks the batch: of two that finish at once, the second finds all done.
        work.batches.finish(batch, verdict, counts)
        for finding in find_emptiness(counts, findings):
            work.receipts.add_batch_finding(batch, finding)
    log.info("batch %s finished: %s", batch.id, verdict)
    return True


def finish_batches(gateway: Gateway) -> dict[str, int]:
    """Finishes every batch that is ready, also those a killed run left; ``{"finished": …}``, and
    how many are ``held`` until somebody decides."""
    with gateway.store.read() as work:
        waiting = work.batches.find_waiting()
        held = work.batches.count("held")
    return {"finished": sum(finish_batch(gateway, batch) for batch in waiting), "held": held}
