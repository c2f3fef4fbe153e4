"""ValueSet and CodeSystem of each national code list. STU3 and R4 write them alike."""

from typing import Final

from gateway.fhir.models import Json
from schemas.taxonomy import ORGANISATION_CODES, CodeSystem, Taxonomy

PUBLISHER: Final = "lrms-gateway, from the national taxonomy of patient safety events (LFPSE)"
OBSERVED_VERSION: Final = (
    "Version 6 as far as a real client of it shows it: version 5, and the changes that were seen."
)
# The register of organisations is not in the taxonomy; this is its address as a code system.
ODS_SYSTEM: Final = "https://fhir.nhs.uk/Id/ods-organization-code"


def make_address(taxonomy: Taxonomy, kind: str, name: str) -> str:
    """The canonical address of a resource of the taxonomy: ``…/ValueSet/agent-type-5``."""
    base = taxonomy.profile_url.partition("/StructureDefinition/")[0]
    return f"{base}/{kind}/{name}-{taxonomy.version}"


def make_head(taxonomy: Taxonomy, kind: str, name: str, title: str) -> Json:
    """What all resources of the taxonomy have in common. ``name`` is without the version."""
    # Version 6 is not published: schemas/taxonomy/version_6.json is version 5 with what was seen.
    is_observed = taxonomy.version == "6"
    head: Json = {
        "resourceType": kind,
        "id": f"{name}-{taxonomy.version}",
        "url": make_address(taxonomy, kind, name),
        "version": taxonomy.version,
        "name": "".join(part.capitalize() for part in name.split("-")) + taxonomy.version,
        "title": title,
        "status": "active",
        "experimental": is_observed,
        "publisher": PUBLISHER,
    }
    return head | {"description": OBSERVED_VERSION} if is_observed else head


def make_code_system(taxonomy: Taxonomy, name: str, codes: CodeSystem) -> Json:
    return make_head(taxonomy, "CodeSystem", name, codes.title) | {
        "caseSensitive": True,
        "valueSet": make_address(taxonomy, "ValueSet", name),
        "content": "complete",
        "count": len(codes.codes),
        "concept": _make_concepts(codes),
    }


def make_value_set(taxonomy: Taxonomy, name: str, codes: CodeSystem) -> Json:
    """The codes stand in it with their labels, so that a form can be filled from it alone."""
    include = {
        "system": make_address(taxonomy, "CodeSystem", name),
        "version": taxonomy.version,
        "concept": _make_concepts(codes),
    }
    return make_head(taxonomy, "ValueSet", name, codes.title) | {"compose": {"include": [include]}}


def make_organisation_codes(taxonomy: Taxonomy) -> Json:
    """All codes of the organisation register; which those are is the register's to say."""
    head = make_head(taxonomy, "ValueSet", ORGANISATION_CODES, "ODS organisation codes")
    return head | {"compose": {"include": [{"system": ODS_SYSTEM}]}}


def _make_concepts(codes: CodeSystem) -> list[Json]:
    return [{"code": code, "display": label} for code, label in codes.codes.items()]
