"""Profiles that use all of the profile language at once: one of a CSV with rows, one of JSON."""

from mappers.profile_load import parse_profile
from mappers.profile_model import Profile

_REST = """
version: "1"
separator: ";"
escape: "\\\\"
taxonomy_version: {field: /version, codes: {"": "", five: "5", six: "6", "4": "4"}}
local_id: /id
event_type: {field: /type, codes: {incident: "1", risk: "2"}}
event_date: {field: /date, date_format: [DD/MM/YYYY HH:MM, ISO-datetime, "%d-%b-%Y"]}
narrative: {field: /story, more: {/causes: Causes, /actions: Actions}}
code_lists: {agents: {drug: "4", device: "3", none: ""}}
elements:
  /date:
    to: AdverseEventEstimatedDate.PreciseTime
    date_format: [DD/MM/YYYY HH:MM, ISO-datetime]
    when: [{/date: {contains: [":"]}}, {/id: {given: false}}]
  /category:
    - {to: AdverseEventAgent.InvolvedAgents, take: {separator: /, part: 1}, codes: agents}
    - to: AdverseEventProblemMedication.ProblemDescriptionDrugs
      take: {separator: " ", part: -1}
      when: {/category: {contains: [drug], none: [drugged]}}
  /agents: {to: AdverseEventAgent.InvolvedAgents, derived: true}
  /concern: {to: AdverseEventClassification.LevelOfConcern, when: {/old: {given: true}}}
  /old: {to: AdverseEventClassification.LevelOfConcern, codes: {high: "1", low: "3"}}
  /risk: AdverseEventRiskDetails.RiskDescription
  /risk more: {to: AdverseEventRiskDetails.RiskDescription, heading: More, derived: true}
  /never:
    - AdverseEventGovernance.NeverEventType
    - {to: AdverseEventGovernance.NeverEvent, when: {/never: {given: true}}, derived: true}
  /never event: {to: AdverseEventGovernance.NeverEvent, when: {/never: {given: false}}}
  /trust: {to: LocationDetails.Organisation, by_name: true}
  /reporter: {to: PractitionerDetails.ReporterOrganisation, by_name: true}
  /new process:
    - {to: AdverseEventProcess.HealthcareProcess, when: {/story: {none: [x]}}}
    - {to: AdverseEventProcess.Process, when: {/story: x}}
derive:
  AdverseEventSafetyChallenges.SafetyChallenges:
    - {when: [{/category: {contains: [fall]}}, {harm: "1"}], value: ["2", "3"]}
    - {value: "6"}
  PatientInformation.PsychologicalHarm:
    - {when: {role: [patient, ""], /old: {given: true}}, value: "4"}
  LocationDetails.LocationKnown: [{when: {/trust: {given: true}}, value: y}]
constants: {PractitionerDetails.ReporterType: "3"}
ignored: {/audit: theirs}
"""
_GROUPS = """
patients:
  {patients}
  number: PatientSequence
  when: [{{{role}: [patient, "", 1]}}, {{/old: {{given: true}}}}]
  elements:
    {harm}: {{to: PatientInformation.PhysicalHarm, when: {{{role}: {{none: [staff]}}}}}}
    {born}:
      - to: PatientInformation.AgeAtTimeOfIncidentDays
        age: date_of_birth
        date_format: [ISO, DD/MM/YYYY]
        when: {{{age}: {{given: false}}}}
    {age}:
      - {{to: PatientInformation.AgeAtTimeOfIncidentDays, age: text}}
      - {{to: PatientInformation.AgeBracket, age: years, when: {{{role}: {{contains: [a]}}}}}}
    {sex}: [PatientInformation.Gender, PatientInformation.GenderIdentity]
medications:
  {medications}
  elements: {{{drug}: {{to: MedicationDmd.VTMCode, take: {{separator: "-", part: 2}}}}}}
"""


def _in_groups(patients: str, medications: str, start: str = "") -> str:
    names = ("role", "harm", "born", "age", "sex", "drug")
    text = _GROUPS.format(
        patients=patients, medications=medications, **{name: start + name for name in names}
    )
    return text.replace('[patient, "", 1]', '[patient, "", "1"]')


ROWS_PROFILE: Profile = parse_profile(
    "name: rows\nformat: csv\nrows: {id: /id}\n" + _REST + _in_groups("rows: true", "rows: true"),
    "rows.yaml",
)
JSON_PROFILE: Profile = parse_profile(
    "name: items\nformat: json\nrecord: /records\n"
    + _REST.replace("role:", "/role:").replace("harm:", "/harm:")
    + _in_groups("at: /people", "at: /drugs", "/"),
    "items.yaml",
)
RECORD_FIELDS = (
    *("/version", "/id", "/type", "/date", "/story", "/causes", "/actions", "/category", "/agents"),
    *("/concern", "/old", "/risk", "/risk more", "/never", "/never event", "/new process"),
    *("/trust", "/reporter", "/audit", "/audit/by"),
)
OWN_FIELDS = ("role", "harm", "born", "age", "sex", "drug")
# Near to what the profiles ask for, and ugly.
WORDS = (
    *("", " ", "1", "4", "6", "five", "six", "incident", "risk", "x", "y", "yes", "no", "patient"),
    *("Staff", "Drug / wrong dose", "device", "a FALL", "drugged", "high", "low", ";", "\\", "\\;"),
    *("03/11/2026 02:40", "03/11/26 02:40", "2026-11-03T02:40:00Z", "3-Nov-2026", "2026-11-03"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "3 months", "45", "0", "28/365"),
    *("1-2-3", "-", "1/0", "0/365", "999", "-1", "99999999999999999999", "1e9", "\x00", "٣"),
)
