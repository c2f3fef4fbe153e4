"""The taxonomy as FHIR says what the taxonomy data says; and the CapabilityStatement."""

import json
import subprocess
import sys
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement as R4Statement
from fhir.resources.R4B.structuredefinition import StructureDefinition as R4Definition
from fhir.resources.STU3.capabilitystatement import CapabilityStatement as Stu3Statement
from fhir.resources.STU3.structuredefinition import StructureDefinition as Stu3Definition

from gateway.fhir.capability import make_capability
from gateway.fhir.models import Release
from gateway.fhir.taxonomy import find_resource, list_resources
from mappers.fhir_tables import find_segment
from schemas.taxonomy import ORGANISATION_CODES, TAXONOMY_VERSIONS, get_taxonomy

LINK = "https://gateway.example/taxonomy/fhir/ValueSet"
PSIMS = "https://psims-uat.azure-api.net/taxonomy/fhir"
DEFINITIONS: dict[str, Any] = {"STU3": Stu3Definition, "R4": R4Definition}


def get(kind: str, resource_id: str) -> dict[str, Any]:
    raw = find_resource(kind, resource_id)
    assert raw is not None, resource_id
    resource: dict[str, Any] = json.loads(raw)
    assert (resource["resourceType"], resource["id"]) == (kind, resource_id)
    return resource


def elements_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By their ids, none of which may stand twice."""
    elements = definition["differential"]["element"]
    by_id = {element["id"]: element for element in elements}
    assert len(by_id) == len(elements)
    return by_id


def search(kind: str, **given: str) -> list[dict[str, Any]]:
    raw = list_resources(kind, **given, link=LINK)
    bundle: dict[str, Any] = json.loads(raw)
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    assert bundle["total"] == len(found)
    return found


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_every_extension_says_what_the_taxonomy_says(version: str) -> None:
    taxonomy = get_taxonomy(version)
    for group in taxonomy.groups:
        url = taxonomy.url_of(group)
        definition = get("StructureDefinition", find_segment(url))
        DEFINITIONS[taxonomy.fhir_release].model_validate(definition)
        assert definition["url"] == url
        assert definition["version"] == version
        elements = elements_of(definition)
        assert elements["Extension"]["max"] == str(group.max)
        assert elements["Extension.url"]["fixedUri"] == url
        for element in group.elements:
            sliced = elements[f"Extension.extension:{element.name}"]
            assert (sliced["min"], sliced["max"]) == (element.min, str(element.max))
            value = elements[f"Extension.extension:{element.name}.value[x]"]
            assert value["type"] == [{"code": element.type}]
            assert ("binding" in value) == (element.value_set is not None)
            assert ("comment" in sliced) == element.observed_only
            if element.value_set is not None:
                check_binding(value["binding"], element.value_set, version)


def check_binding(binding: dict[str, Any], value_set: str, version: str) -> None:
    """It names a value set that is served, with the codes of the taxonomy."""
    assert binding["strength"] == "required"
    address = binding["valueSet" if version == "6" else "valueSetUri"]
    found = get("ValueSet", find_segment(address))
    assert found["url"] == address
    (include,) = found["compose"]["include"]
    if value_set == ORGANISATION_CODES:
        assert include == {"system": "https://fhir.nhs.uk/Id/ods-organization-code"}
        return
    codes = get_taxonomy(version).code_systems[value_set]
    system = get("CodeSystem", find_segment(include["system"]))
    assert system["url"] == include["system"]
    assert system["valueSet"] == address
    assert system["count"] == len(codes.codes)
    for listed in (include["concept"], system["concept"]):
        assert {one["code"]: one["display"] for one in listed} == codes.codes


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_the_profile_names_every_group(version: str) -> None:
    taxonomy = get_taxonomy(version)
    profile = get("StructureDefinition", f"patient-safety-adverse-event-{version}")
    DEFINITIONS[taxonomy.fhir_release].model_validate(profile)
    assert profile["url"] == taxonomy.profile_url
    elements = elements_of(profile)
    for group in taxonomy.groups:
        url = taxonomy.url_of(group)
        if group.resource == "AdverseEvent":
            sliced = elements[f"AdverseEvent.extension:{group.name}"]
            assert (sliced["min"], sliced["max"]) == (group.min, str(group.max))
            profile_of = sliced["type"][0]["profile"]
            assert profile_of == (url if taxonomy.fhir_release == "STU3" else [url])
        else:
            assert url in elements[f"AdverseEvent.contained:{group.resource}"]["comment"]


def test_each_release_has_its_own_shape() -> None:
    """As clients of STU3 and of R4 read them."""
    old = elements_of(get("StructureDefinition", "patient-safety-adverse-event-5"))
    new = elements_of(get("StructureDefinition", "patient-safety-adverse-event-6"))
    assert old["AdverseEvent.category"]["fixedCode"] == "AE"
    assert new["AdverseEvent.actuality"]["fixedCode"] == "actual"
    assert "AdverseEvent.type" in old.keys() - new.keys()
    assert "AdverseEvent.event" in new.keys() - old.keys()
    five, six = (get("StructureDefinition", f"location-details-{version}") for version in "56")
    assert (five["contextType"], five["context"]) == ("resource", ["Location"])
    assert six["context"] == [{"type": "element", "expression": "Location"}]
    assert (five["fhirVersion"], six["fhirVersion"]) == ("3.0.2", "4.0.1")


def test_what_was_only_seen_says_so() -> None:
    elements = elements_of(get("StructureDefinition", "medication-dmd-6"))
    code = elements["Extension.extension:VTMCode"]
    assert code["comment"] == (
        "Seen from a client of version 6; it is not in the published text."
        " No list of its codes is known, so it is bound to none."
    )
    assert "binding" not in elements["Extension.extension:VTMCode.value[x]"]
    assert "No list" not in elements["Extension.extension:VTMString"]["comment"]
    six, five = (get("CodeSystem", f"agent-type-{version}") for version in "65")
    assert (six["experimental"], five["experimental"]) == (True, False)
    assert "as far as a real client" in six["description"]


@pytest.mark.parametrize("kind", ["StructureDefinition", "ValueSet", "CodeSystem"])
def test_what_is_not_there(kind: str) -> None:
    assert find_resource(kind, "agent-type-7") is None
    assert find_resource(kind, "agent-type") is None
    assert find_resource(kind, "") is None
    assert find_resource("Patient", "agent-type-5") is None
    assert search("Patient") == []


@pytest.mark.parametrize("kind", ["StructureDefinition", "ValueSet", "CodeSystem"])
def test_a_list_gives_summaries_that_lead_to_the_whole(kind: str) -> None:
    everything = search(kind)
    assert len({one["id"] for one in everything}) == len(everything)
    by_version = [search(kind, version=version) for version in TAXONOMY_VERSIONS]
    assert [one for found in by_version for one in found] == everything
    for one in everything[:5]:
        assert one["meta"]["tag"][0]["code"] == "SUBSETTED"
        whole = get(kind, one["id"])
        assert {name: value for name, value in one.items() if name != "meta"}.items() <= {
            name: value for name, value in whole.items() if name in one
        }.items()
        assert not {"concept", "compose", "differential"} & one.keys()


def test_by_its_address_a_resource_is_given_whole() -> None:
    address = f"{PSIMS}/ValueSet/agent-type-5"
    assert search("ValueSet", url=address) == [get("ValueSet", "agent-type-5")]
    assert search("ValueSet", url=f"{address}|5") == search("ValueSet", url=address)
    assert search("ValueSet", url=address, version="5") == search("ValueSet", url=address)
    assert search("ValueSet", url=f"{address}|4") == []
    assert search("ValueSet", url=address, version="4") == []
    assert search("ValueSet", url=f"{PSIMS}/ValueSet/unheard-of-5") == []


def test_a_list_is_a_bundle() -> None:
    Bundle.model_validate_json(list_resources("ValueSet", version="6", link=LINK))


@pytest.mark.parametrize(("release", "model"), [("STU3", Stu3Statement), ("R4", R4Statement)])
def test_capability_statement(release: Release, model: Any) -> None:
    begun = "2026-11-22T09:30:00+00:00"
    raw = make_capability("https://gateway.example", begun, release=release)
    model.model_validate_json(raw)
    statement = json.loads(raw)
    assert statement["implementation"]["url"] == "https://gateway.example/adverse-event/fhir"
    # No version of the software: that is nobody's business.
    assert statement["software"] == {"name": "lrms-gateway"}
    (rest,) = statement["rest"]
    (resource,) = rest["resource"]
    assert [one["code"] for one in resource["interaction"]] == [
        "create", "update", "read", "vread", "history-instance", "search-type",
    ]  # fmt: skip
    assert [one["name"] for one in resource["searchParam"]] == ["identifier"]
    assert [one["code"] for one in rest["interaction"]] == ["batch"]
    assert (resource["conditionalCreate"], resource["conditionalUpdate"]) == (True, False)
    assert "Ocp-Apim-Subscription-Key" in rest["security"]["description"]
    profiles = [get_taxonomy(version).profile_url for version in TAXONOMY_VERSIONS]
    if release == "R4":
        assert resource["supportedProfile"] == profiles
        assert [one["name"] for one in resource["operation"]] == ["validate"]
    else:
        assert [one["reference"] for one in statement["profile"]] == profiles
        assert [one["name"] for one in rest["operation"]] == ["validate"]
        assert statement["acceptUnknown"] == "extensions"


def test_nothing_is_built_when_it_is_imported() -> None:
    code = (
        "import sys, gateway.fhir.taxonomy, gateway.fhir.capability, gateway.fhir.bundles\n"
        "sys.exit(any(name.startswith('fhir.resources') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
