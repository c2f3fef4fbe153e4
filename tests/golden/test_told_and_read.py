"""What arrives from a vendor's export is what its local system was told: the national events that
the samples were made of, but for what their forms cannot say."""

import json
from pathlib import Path

import pytest

from mappers.profile_load import load_profile
from mappers.profile_parts import as_list
from samples.makers import datix_like, inphase_like, ulysses_like
from schemas.event import PATIENTS

# What a form says in another way than nationally, or not at all, and how.
OTHERWISE = {
    "datix-like-csv": {
        "AdverseEventEstimatedDate.EstimatedTime": "no band for 'none of the above'",
        "AdverseEventAgent.InvolvedAgents": "no box for 'none' beside one that is ticked",
        "AdverseEventProblemDevices.DeviceInvolvementFactors": "where equipment is the category",
        "LocationDetails.LocationWithinService": "no word for 'I don't know'",
        "PatientInformation.PhysicalHarm": "the incident is graded, or only its result told",
    },
    "ulysses-like-xml": {
        "AdverseEventAgent.InvolvedAgents": "'none' is not said beside others",
        "AdverseEventProblemMedication.InvolvedProcesses": "no word for 'other'",
        "PatientInformation.AgeBracket": "only ages are asked for",
        "AdverseEventEstimatedDate.EstimatedTime": "no shift for 'none of the above'",
    },
    "inphase-like-json": {
        "AdverseEventEstimatedDate.TodaysDate": "always told",
        "PatientInformation.AgeBracket": "only ages are asked for",
        "MedicationDmd.VTMString": "from the drugs involved",
        "MedicationDmd.VTMCode": "medicines are told by name",
        "MedicationDmd.VMPCode": "medicines are told by name",
        "MedicationDmd.VMPString": "medicines are told by name",
    },
}
MAKERS = {one.PROFILE: one for one in (datix_like, inphase_like, ulysses_like)}


def list_values(event, target):
    """What an event says of an element; of patients, whatever their order."""
    group, _, element = target.partition(".")
    found = event["groups"].get(group, {})
    if isinstance(found, dict):
        return found.get(element)
    return sorted(str(one.get(element)) for one in found)


@pytest.mark.parametrize("name", MAKERS)
def test_what_was_told_is_what_is_read(name):
    maker, profile = MAKERS[name], load_profile(name)
    targets = {rule.to for rules in profile.elements.values() for rule in as_list(rules)}
    for group in profile.repeated.values():
        targets |= {rule.to for rules in group.elements.values() for rule in as_list(rules)}
    lines = Path(f"samples/profiles/{name}/feed.events.ndjson").read_bytes().splitlines()
    compared = 0
    for place, (told, line) in enumerate(zip(maker.make_told(), lines, strict=False), start=1):
        if place in maker.WRONG:
            continue
        read = json.loads(line)["event"]
        compared += 1
        assert (read["event_type"], read["event_date"]) == (told.event_type, told.event_date)
        assert read["narrative"].startswith(told.narrative)
        plain = {"groups": told.groups}
        for target in targets - OTHERWISE[name].keys():
            assert list_values(read, target) == list_values(plain, target), (place, target)
        assert len(read["groups"].get(PATIENTS, [])) == len(told.patients)
    assert compared > 180


@pytest.mark.parametrize("name", MAKERS)
def test_what_a_form_says_otherwise_is_of_the_profile(name):
    profile = load_profile(name)
    groups = [profile.elements, *(group.elements for group in profile.repeated.values())]
    targets = {rule.to for rules in groups for one in rules.values() for rule in as_list(one)}
    assert set(OTHERWISE[name]) <= targets
