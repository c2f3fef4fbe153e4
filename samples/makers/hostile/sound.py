"""Sound records, three of each format, that the hostile feeds are made of."""

import json
from typing import Any

NARRATIVE = "The patient slipped on the wet bathroom floor and was helped up."
IDS = ("H-1", "H-2", "H-3")
COLUMNS = (
    "record_id", "taxonomy_version", "event_type", "event_date", "narrative",
    "agent_involved_agents", "safety_challenges", "location_known", "location_organisation",
    "reporter_organisation",
)  # fmt: skip


def make_row(record_id: str, narrative: str = NARRATIVE) -> list[str]:
    return [record_id, "5", "1", "2025-05-03", narrative, "10", "2", "y", "RZA01", "RZA"]


def make_csv(delimiter: str = ",", end: str = "\n", narrative: str = NARRATIVE) -> str:
    """A header and three rows; the narrative in quotes."""
    lines = [delimiter.join(COLUMNS)]
    for record_id in IDS:
        cells = make_row(record_id, f'"{narrative}"')
        lines.append(delimiter.join(cells))
    return end.join(lines) + end


def make_incident(record_id: str, narrative: str = NARRATIVE) -> str:
    """One record of profile lrms-xml."""
    return (
        f'<incident id="{record_id}" type="incident" taxonomy="5">'
        f"<eventDate>2025-05-03</eventDate><narrative>{narrative}</narrative>"
        "<agent><involvedAgents>10</involvedAgents></agent>"
        "<safetyChallenges><safetyChallenges>2</safetyChallenges></safetyChallenges>"
        "<location><locationKnown>yes</locationKnown><organisation>RZA01</organisation></location>"
        "<reporter><reporterOrganisation>RZA</reporterOrganisation></reporter></incident>\n"
    )


def make_xml(*incidents: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> str:
    inside = "".join(incidents or map(make_incident, IDS))
    return f'{head}<incidents xmlns="urn:lrms:incidents:1">\n{inside}</incidents>\n'


def make_item(record_id: str, **fields: Any) -> dict[str, Any]:
    """One record of the profile ``tiny-json.yaml`` beside the cases."""
    return {
        "id": record_id,
        "when": "2025-05-03",
        "what": NARRATIVE,
        "agents": ["10"],
        "challenges": ["2"],
        "site": "RZA01",
        "trust": "RZA",
        **fields,
    }


def make_json(*items: Any) -> str:
    return json.dumps({"incidents": list(items or map(make_item, IDS))})


_BASE = "https://example.org/StructureDefinition/"


def _group(name: str, *elements: tuple[str, str]) -> dict[str, Any]:
    inner = [{"url": element, "valueCode": code} for element, code in elements]
    return {"url": f"{_BASE}{name}-5", "extension": inner}


def make_event(record_id: str, **fields: Any) -> dict[str, Any]:
    """A FHIR AdverseEvent of version 5."""
    return {
        "resourceType": "AdverseEvent",
        "meta": {"profile": [f"{_BASE}patient-safety-adverse-event-5"]},
        "identifier": {"value": record_id},
        "category": "AE",
        "type": {"coding": [{"code": "1"}]},
        "date": "2025-05-03",
        "description": NARRATIVE,
        "location": {"reference": "#location1"},
        "recorder": {"reference": "#practitioner1"},
        "contained": [
            {
                "resourceType": "Location",
                "id": "location1",
                "extension": [
                    _group("location-details", ("LocationKnown", "y"), ("Organisation", "RZA01"))
                ],
            },
            {
                "resourceType": "Practitioner",
                "id": "practitioner1",
                "extension": [_group("practitioner-details", ("ReporterOrganisation", "RZA"))],
            },
        ],
        "extension": [
            _group("adverse-event-agent", ("InvolvedAgents", "10")),
            _group("adverse-event-safety-challenges", ("SafetyChallenges", "2")),
        ],
        **fields,
    }


def make_lines(*records: Any) -> str:
    """NDJSON; text is taken as a line as it stands."""
    chosen = records or tuple(map(make_event, IDS))
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in chosen)


def make_bundle(*records: Any) -> str:
    entries = [{"resource": one} for one in records or tuple(map(make_event, IDS))]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
