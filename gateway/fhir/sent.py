"""Checks every resource that is sent: quickly where it is written as we write, else as a whole."""

from typing import Final, get_args

import msgspec

from gateway.fhir.models import Json, Release, check_whole
from gateway.fhir.pieces import compile_check, is_surely_valid
from mappers.fhir_tables import find_version
from schemas.errors import FaultError
from schemas.taxonomy import get_taxonomy

# What is sent by the thousand; everything else is sent rarely, or made once and kept.
_QUICK: Final = ("AdverseEvent", "OperationOutcome")


def prepare_checks() -> None:
    """Imports and compiles what the checks need, a second's work, so that the first request of a
    server does not wait for it."""
    for release in get_args(Release):
        for kind in (*_QUICK, "BundleEntry"):
            compile_check(release, kind)


def check_sent(resource: Json, release: Release) -> None:
    """FaultError, without any content, where fhir.resources does not take the resource as one of
    that release."""
    kind = resource.get("resourceType")
    if kind in _QUICK and is_surely_valid(resource, str(kind), release):
        return
    check_whole(resource, release)


def check_entry(entry: Json, release: Release) -> None:
    """The same for one entry of a Bundle, without the resource in it."""
    if is_surely_valid(entry, "BundleEntry", release):
        return
    check_whole({"resourceType": "Bundle", "type": "collection", "entry": [entry]}, release)


def encode_sent(resource: Json, release: Release) -> bytes:
    """The resource as JSON, checked."""
    check_sent(resource, release)
    return msgspec.json.encode(resource)


def get_release(event: Json) -> Release:
    """The FHIR release of an AdverseEvent that we wrote: that of the taxonomy version its profile
    names; FaultError where it names none."""
    profiles = event.get("meta", {}).get("profile", [])
    version = find_version(profiles[0]) if profiles else None
    if version is None:
        raise FaultError("an AdverseEvent to be sent names no profile; a fault of the gateway")
    return get_taxonomy(version).fhir_release
