"""Bring a sandbox to where it begins, and back to there. Neither touches a database that holds
anything else."""

import logging
from contextlib import suppress
from typing import Final

from gateway.bootstrap import Gateway
from gateway.sandbox.fixed import get_fixed
from schemas.errors import UnknownError, WrongUseError
from schemas.sandbox import SOURCE_PREFIX, Removed
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)
_WRITING_SECONDS: Final = 10
_MOST_NAMED: Final = 3


def prepare_sandbox(gateway: Gateway) -> bool:
    """Whether anything was missing of what is fixed. WrongUseError where the database, or the
    folder of raw files, holds anything of another gateway."""
    with gateway.store.read() as work:
        _check_alone(work)
        if work.sandbox.is_as_fixed(get_fixed()):
            return False
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.sandbox.lock()
        _check_alone(work)
        if not work.sandbox.is_begun() and gateway.raw.holds_any():
            raise WrongUseError(
                f"{gateway.settings.home} holds what another database received: a sandbox needs a"
                " home (LRMS_HOME) of its own, as its reset removes what is there"
            )
        work.sandbox.restore(get_fixed())
        work.audit.add("sandbox.prepared", "sandbox")
    log.info("the sandbox is prepared")
    return True


def reset_sandbox(gateway: Gateway, *, asked_by: str = "") -> Removed:
    """Removes all that the sandbox's sources sent, and puts what is fixed back. WrongUseError where
    the database is not that of a sandbox and nothing else."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.sandbox.lock()
        _check_alone(work)
        if not work.sandbox.is_begun():
            raise WrongUseError("this is no sandbox: lrms-gateway serve --sandbox begins one")
        removed = work.sandbox.clear()
        work.sandbox.restore(get_fixed())
        details = {"events": removed.events, "batches": removed.batches, "asked_by": asked_by}
        work.audit.add("sandbox.reset", "sandbox", details)
        # Before the commit: where this fails nothing is reset, and it can be done again.
        _remove_files(gateway, removed)
    log.info("the sandbox is reset: %d events, %d batches", removed.events, removed.batches)
    return removed


def check_sandbox(gateway: Gateway) -> None:
    """WrongUseError where a source is registered that is no sandbox's."""
    with gateway.store.read() as work:
        _check_alone(work)


def is_only_sandbox(gateway: Gateway) -> bool:
    """No source is registered, or only those of a sandbox."""
    with gateway.store.read() as work:
        return not work.sandbox.find_others()


def _check_alone(work: UnitOfWork) -> None:
    if others := work.sandbox.find_others():
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        raise WrongUseError(
            f"this database is not only a sandbox's: it has the sources"
            f" {', '.join(others[:_MOST_NAMED])}{more}, and those of a sandbox begin with"
            f" {SOURCE_PREFIX!r}; give the sandbox a home (LRMS_HOME) of its own"
        )


def _remove_files(gateway: Gateway, removed: Removed) -> None:
    for sha256 in removed.raw_files:
        gateway.raw.remove(sha256)
    for upload_id in removed.uploads:
        with suppress(UnknownError), gateway.partial.lock(upload_id, seconds=_WRITING_SECONDS):
            gateway.partial.remove(upload_id)
