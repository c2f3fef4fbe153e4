"""A step: one task of a DAG. That it ran to its end, or failed, is noted in our own tables, so that
whoever asks need not believe Airflow."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gateway.bootstrap import Gateway, open_gateway
from gateway.monitoring.spans import span
from schemas.errors import GatewayError


@contextmanager
def open_step(name: str) -> Iterator[Gateway]:
    """The gateway for a step, named ``dag.task``, while the block lasts."""
    with open_gateway(actor="airflow") as gateway, span(name, step=name):
        try:
            yield gateway
        except Exception:
            # It may be the very database that failed: what is raised is the first failure.
            with suppress(GatewayError):
                _note(gateway, name, failed=True)
            raise
        _note(gateway, name, failed=False)


def _note(gateway: Gateway, name: str, *, failed: bool) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        if failed:
            work.steps.note_failure(name)
        else:
            work.steps.note_end(name)
