"""Finish batches whose parts are all loaded: count, decide the verdict, close the receipt."""

import logging

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import record_batch, spanned
from gateway.pipeline.verdict import decide_verdict, find_emptiness
from schemas.batch import Batch
from schemas.catalogue.organisations import SUBMITTER_NOT_ALLOWED
from schemas.identity import Usage, begin_window
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)


@spanned("finish")
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
        _tell_refused(gateway, work, batch)
    log.info("batch %s finished: %s", batch.id, verdict)
    record_batch(batch, gateway.now(), records=counts.records, rejected=counts.rejected)
    return True


def _tell_refused(gateway: Gateway, work: UnitOfWork, batch: Batch) -> None:
    """Attempts to submit for organisations that did not grant it are counted, and looked into."""
    refused = work.receipts.count_with(batch.number, SUBMITTER_NOT_ALLOWED.code)
    if refused:
        details = {"batch": batch.id, "records": refused}
        work.audit.add("submission.refused", batch.source_id, details)
        window = begin_window(int(gateway.now().timestamp()))
        work.usage.add([Usage(source_id=batch.source_id, window=window, refused=refused)])


def finish_batches(gateway: Gateway) -> dict[str, int]:
    """Finishes every batch that is ready, also those a killed run left; ``{"finished": …}``, and
    how many are ``held`` until somebody decides."""
    with gateway.store.read() as work:
        waiting = work.batches.find_waiting()
        held = work.batches.count("held")
    return {"finished": sum(finish_batch(gateway, batch) for batch in waiting), "held": held}
