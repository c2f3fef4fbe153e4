"""CapabilityStatement: what the FHIR routes can do, and the profile of each taxonomy version."""

from typing import Any, Final

from gateway.fhir.models import Json, Release
from gateway.fhir.sent import encode_sent
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy

_FHIR_VERSIONS: Final[dict[Release, str]] = {"STU3": "3.0.2", "R4": "4.0.1"}
_INTERACTIONS: Final = ("create", "update", "read", "vread", "history-instance", "search-type")
_VALIDATE: Final = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
_SECURITY: Final = (
    "Each request carries a subscription key in the header Ocp-Apim-Subscription-Key, or an access"
    " token in the header Authorization (Bearer). Tokens are given at /oauth2/token for OAuth 2.0"
    " client credentials with a signed JWT (private_key_jwt, as in SMART Backend Services)."
)
_DOCUMENTATION: Final = (
    "Versions 4 and 5 of the taxonomy are FHIR STU3 in shape, version 6 is R4; meta.profile says"
    " which one an event is of."
)
_CREATE: Final = (
    "A create with an identifier that is known revises that event. If-None-Exist takes"
    " identifier=…; Idempotency-Key makes a retry safe; an update takes If-Match."
)


def make_capability(base_url: str, date: str, *, release: Release = "R4") -> bytes:
    """The statement of a running server. ``base_url`` is the address before ``/adverse-event``,
    ``date`` a FHIR instant: when this version was started."""
    statement: Json = {
        "resourceType": "CapabilityStatement",
        "name": "LrmsGateway",
        "title": "LRMS integration gateway",
        "status": "active",
        "date": date,
        "publisher": "lrms-gateway",
        "kind": "instance",
        "software": {"name": "lrms-gateway"},
        "implementation": {
            "description": "Patient safety events from local risk management systems",
            "url": f"{base_url}/adverse-event/fhir",
        },
        "fhirVersion": _FHIR_VERSIONS[release],
        "format": ["json", "application/fhir+json"],
    }
    profiles = [get_taxonomy(version).profile_url for version in TAXONOMY_VERSIONS]
    resource = _make_resource()
    rest = _make_rest(resource)
    if release == "R4":
        resource["supportedProfile"] = profiles
        resource["operation"] = [{"name": "validate", "definition": _VALIDATE}]
    else:
        statement["acceptUnknown"] = "extensions"
        statement["profile"] = [{"reference": profile} for profile in profiles]
        rest["operation"] = [{"name": "validate", "definition": {"reference": _VALIDATE}}]
    return encode_sent(statement | {"rest": [rest]}, release)


def _make_resource() -> Json:
    return {
        "type": "AdverseEvent",
        "documentation": _CREATE,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalUpdate": False,
        "searchParam": [
            {
                "name": "identifier",
                "type": "token",
                "documentation": "The sender's own id of an event.",
            }
        ],
    }


def _make_rest(resource: Json) -> dict[str, Any]:
    return {
        "mode": "server",
        "documentation": _DOCUMENTATION,
        "security": {"description": _SECURITY},
        "resource": [resource],
        "interaction": [
            {"code": "batch", "documentation": "Answered by 202 and the address of its status."}
        ],
    }
