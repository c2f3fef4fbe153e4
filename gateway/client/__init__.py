"""A client for vendors: sends events and feeds to a gateway, again only where that is safe.

    from gateway.client import GatewayClient, OutcomeUnknownError, RejectedError

    with GatewayClient("https://gateway.example", key=read_my_key()) as client:
        try:
            made = client.create(adverse_event, idempotency_key=my_record_id)
            print(made.reference, made.revision)
        except RejectedError as rejected:
            for issue in rejected.issues:
                print(issue.code, issue.text, issue.what_to_do)
        except OutcomeUnknownError as unknown:
            ask_again_later(adverse_event, unknown.idempotency_key)

        feed = client.send_feed("nightly.ndjson")
        print(client.wait_for(feed.id).verdict)
        pathlib.Path("receipt.csv").write_bytes(b"".join(client.receipt(feed.id, "csv")))

It stands alone: requests, tenacity, msgspec and joserfc, nothing else of this house.
"""

from gateway.client.calls import Certificates
from gateway.client.client import GatewayClient
from gateway.client.credentials import ClientCredentials
from gateway.client.errors import (
    BadAnswerError,
    ClientError,
    ConflictError,
    InFlightError,
    Issue,
    NotAllowedError,
    NotFinishedError,
    NotFoundError,
    NotNowError,
    OutcomeUnknownError,
    RefusedError,
    RejectedError,
    ServerError,
    Told,
    UnreachableError,
    UploadCutError,
)
from gateway.client.event_answers import Created, StoredEvent
from gateway.client.feed_answers import Correction, Counts, Feed, Record, RecordFinding
from gateway.client.patience import Clock, Patience

__all__ = [
    "BadAnswerError",
    "Certificates",
    "ClientCredentials",
    "ClientError",
    "Clock",
    "ConflictError",
    "Correction",
    "Counts",
    "Created",
    "Feed",
    "GatewayClient",
    "InFlightError",
    "Issue",
    "NotAllowedError",
    "NotFinishedError",
    "NotFoundError",
    "NotNowError",
    "OutcomeUnknownError",
    "Patience",
    "Record",
    "RecordFinding",
    "RefusedError",
    "RejectedError",
    "ServerError",
    "StoredEvent",
    "Told",
    "UnreachableError",
    "UploadCutError",
]
