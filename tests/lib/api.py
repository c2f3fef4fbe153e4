"""The API, really served: uvicorn on a port of its own, in a thread of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.api.app import make_app
from gateway.api.serve import serve_app
from gateway.bootstrap import Gateway
from gateway.pipeline.credentials import add_key
from schemas.submission import Organisation, Source

SOURCE = Source(id="ward-system", organisation="RZA", format="fhir")
OTHER = Source(id="other-system", organisation="RZB", format="fhir")
# What an event says that only the other source may send.
REPORTED_BY_OTHER = {
    "PractitionerDetails": {
        "ReporterType": "3",
        "ReporterRole": "5",
        "ReporterInvolvement": "4",
        "ReporterOrganisation": OTHER.organisation,
    }
}


@contextmanager
def serve_gateway(gateway: Gateway) -> Iterator[str]:
    with serve_app(make_app(gateway)) as base:
        yield base


def register_sources(gateway: Gateway) -> dict[str, str]:
    """Two sources of two organisations; their keys."""
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.organisations.add_many(
            [
                Organisation("RZA", "Aldermoor University Hospitals"),
                Organisation("RZB", "Brackenfell Community"),
                Organisation("RZC", "Calder Bay Mental Health"),
            ]
        )
        work.sources.add(SOURCE)
        work.sources.add(OTHER)
    return {one.id: add_key(gateway, one.id).secret for one in (SOURCE, OTHER)}


def with_key(key: str, **more: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Ocp-Apim-Subscription-Key": key, "Content-Type": "application/fhir+json", **named}
