"""The endpoint upstream that events are submitted on to: reached by our own client for vendors, its
answers told as outcomes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from gateway.bootstrap import Gateway
from gateway.client import (
    BadAnswerError,
    ClientCredentials,
    ClientError,
    Created,
    GatewayClient,
    InFlightError,
    NotNowError,
    OutcomeUnknownError,
    Patience,
    UnreachableError,
)
from gateway.client.patience import Clock
from gateway.config import Settings
from gateway.fhir.sent import check_sent
from mappers.fhir_write import write_fhir
from schemas.errors import WrongUseError
from schemas.event import NationalEvent
from schemas.forwarding import CallState, Job, Outcome
from schemas.identifiers import make_reference
from schemas.taxonomy import get_taxonomy

# What one call may cost is bounded well within the lease of its event.
PATIENCE: Final = Patience(attempts=2, total_seconds=60, longest_wait=10)
_TIMEOUT: Final = 60
_MOST_CODES: Final = 20
_LONGEST_CODE: Final = 32
OTHER_VERSION: Final = "taxonomy-version"


class Upstream:
    """``versions``: the taxonomy versions that it takes."""

    def __init__(self, client: GatewayClient, versions: Sequence[str]) -> None:
        self._client = client
        self._versions = frozenset(versions)

    def submit(self, job: Job, event: NationalEvent) -> Outcome:
        """Makes the call of the job. Where an earlier attempt may have been carried out, it is
        asked about first, and only then anything sent."""
        if event.taxonomy_version not in self._versions:
            return Outcome(state="refused", codes=(OTHER_VERSION,))
        try:
            if job.is_doubtful and job.upstream_id is None:
                found = self._client.find(make_reference(job.event_id))
                if found is not None:
                    return _accept(found.reference, found.revision)
            created = self._send(job, _write(event, job.event_id))
        except ClientError as error:
            return _make_outcome(error)
        return _accept(created.reference, created.revision)

    def _send(self, job: Job, resource: dict[str, Any]) -> Created:
        key = job.idempotency_key
        if job.upstream_id is None:
            return self._client.create(resource, idempotency_key=key, prefer="minimal")
        return self._client.update(job.upstream_id, resource, idempotency_key=key, prefer="minimal")


@contextmanager
def open_upstream(gateway: Gateway, *, clock: Clock | None = None) -> Iterator[Upstream]:
    """WrongUseError where none is set, or its settings cannot be used."""
    settings = gateway.settings
    if not settings.forward_url:
        raise WrongUseError("nothing is forwarded: LRMS_FORWARD_URL is not set")
    try:
        client = GatewayClient(
            settings.forward_url,
            key=settings.forward_key or None,
            credentials=_make_credentials(settings),
            timeout=_TIMEOUT,
            patience=PATIENCE,
            clock=clock,
        )
    except ValueError as error:
        raise WrongUseError(f"LRMS_FORWARD_…: {error}") from None
    with client:
        versions = [one.strip() for one in settings.forward_versions.split(",")]
        yield Upstream(client, versions)


def _make_credentials(settings: Settings) -> ClientCredentials | None:
    if not settings.forward_client_id:
        return None
    if settings.forward_private_key is None:
        raise ValueError("FORWARD_PRIVATE_KEY is needed with FORWARD_CLIENT_ID")
    try:
        pem = settings.forward_private_key.read_bytes()
    except OSError:
        raise ValueError("FORWARD_PRIVATE_KEY: the file cannot be read") from None
    return ClientCredentials(
        client_id=settings.forward_client_id,
        private_key=pem,
        kid=settings.forward_kid,
        algorithm=settings.forward_algorithm,
    )


def _write(event: NationalEvent, event_id: int) -> dict[str, Any]:
    """Upstream knows the event by our number, as its identifier: so a second one is never made."""
    resource = write_fhir(event, local_id=make_reference(event_id))
    check_sent(resource, get_taxonomy(event.taxonomy_version).fhir_release)
    return resource


def _accept(upstream_id: str, revision: int) -> Outcome:
    return Outcome(
        state="accepted", status=200, upstream_id=upstream_id, upstream_revision=revision
    )


def _make_outcome(error: ClientError) -> Outcome:
    codes = dict.fromkeys(one.code[:_LONGEST_CODE] for one in error.issues if one.code)
    state = _find_state(error)
    return Outcome(
        state=state,
        status=error.status,
        codes=tuple(codes)[:_MOST_CODES],
        retry_after=error.told.retry_after,
        # It was not the event that failed.
        stops=state == "failed",
    )


def _find_state(error: ClientError) -> CallState:
    match error:
        case OutcomeUnknownError() | InFlightError():
            return "unknown"
        case UnreachableError():
            is_open = error.may_have_arrived and not error.is_lasting
            return "unknown" if is_open else "failed"
        case BadAnswerError():
            # Something in between answered in its place; or it did, and what it says is not clear.
            is_open = error.status is not None and error.status < 300
            return "unknown" if is_open else "failed"
        case NotNowError():
            return "failed"
    # A key that is not good is not the event's matter; what is forbidden is.
    return "failed" if error.status == 401 else "refused"
