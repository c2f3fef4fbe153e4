"""Finding codes of the taxonomy: cardinality, type and code list of every element (TAX-NNN)."""

from schemas.finding import FindingCode

UNKNOWN_VERSION = FindingCode(
    code="TAX-001",
    severity="error",
    scope="record",
    title="Taxonomy version unknown",
    message="{value} is not a taxonomy version; accepted: {accepted}",
    fix="Name one of the versions {accepted}: in meta.profile on FHIR, in the profile otherwise.",
    example="meta.profile ends in 'patient-safety-adverse-event-3'.",
)
UNKNOWN_EVENT_TYPE = FindingCode(
    code="TAX-002",
    severity="error",
    scope="field",
    title="Event type unknown",
    message="{value} is not an event type; accepted: {accepted}",
    fix="Send the code of one of these event types: {accepted}.",
    example="type.coding[0].code is '9'.",
)
MISSING_GROUP = FindingCode(
    code="TAX-003",
    severity="error",
    scope="record",
    title="Required group missing",
    message="the group {group} is missing; taxonomy version {version} requires it",
    fix="Send the group {group} with at least {elements}.",
    example="An event without the extension LocationDetails.",
    misses=("",),
)
MISSING_ELEMENT = FindingCode(
    code="TAX-004",
    severity="error",
    scope="field",
    title="Required element missing",
    message="{group} has no {element}; taxonomy version {version} requires it in this group",
    fix="Send {element} wherever you send {group}, or leave the whole group out if it may be.",
    example="A PatientInformation group without PatientSequence.",
    misses=("",),
)
UNKNOWN_GROUP = FindingCode(
    code="TAX-005",
    severity="warning",
    scope="field",
    title="Group not known to the taxonomy version",
    message="taxonomy version {version} has no group {group}",
    fix="Leave the group out, or send the event in a taxonomy version that has it.",
    example="AdverseEventGovernance in an event of version 4.",
)
UNKNOWN_ELEMENT = FindingCode(
    code="TAX-006",
    severity="warning",
    scope="field",
    title="Element not known to the taxonomy version",
    message="taxonomy version {version} has no element {element} in {group}",
    fix="Check the spelling, leave the element out, or send a taxonomy version that has it.",
    example="PatientInformation.Gender in an event of version 6.",
)
UNKNOWN_CODE = FindingCode(
    code="TAX-007",
    severity="error",
    scope="field",
    title="Code not in the value set",
    message="{value} is not a code of {value_set}; accepted: {accepted}",
    fix=(
        "Send a code, not its label; value set {value_set} of taxonomy version {version} "
        "lists them all."
    ),
    example="InvolvedAgents is '99', or 'Devices' instead of '3'.",
)
TOO_FEW_VALUES = FindingCode(
    code="TAX-008",
    severity="error",
    scope="field",
    title="Too few values",
    message="too few values: {count} given, at least {least} needed",
    fix="Send at least {least}, or leave the element out where it is not required.",
    example="SafetyChallenges is an empty list.",
    misses=("",),
)
TOO_MANY_VALUES = FindingCode(
    code="TAX-009",
    severity="error",
    scope="field",
    title="Too many values",
    message="too many values: {count} given, at most {most} accepted",
    fix="Send at most {most}; anything further belongs in the narrative.",
    example="DrugInvolvementFactors has eleven values; ten are accepted.",
)
WRONG_TYPE = FindingCode(
    code="TAX-010",
    severity="error",
    scope="field",
    title="Wrong type of value",
    message="{value} is not {expected}",
    fix="Send {expected}.",
    example="PatientSequence is the text '1' instead of the number 1.",
)
NOT_A_DATE = FindingCode(
    code="TAX-011",
    severity="error",
    scope="field",
    title="Not a date",
    message="{value} is not a date; expected YYYY-MM-DD",
    fix="Send a whole date as YYYY-MM-DD. Where the day is unknown, send ApproximateDate.",
    example="TodaysDate is '31/10/2026', or '2026-02-30'.",
)
NOT_A_TIME = FindingCode(
    code="TAX-012",
    severity="error",
    scope="field",
    title="Not a time",
    message="{value} is not a time; expected HH:MM:SS",
    fix=(
        "Send the time as HH:MM:SS, by the 24-hour clock; where it is not known exactly, "
        "send EstimatedTime."
    ),
    example="PreciseTime is '2.40pm'.",
)
TEXT_TOO_LONG = FindingCode(
    code="TAX-013",
    severity="error",
    scope="field",
    title="Value too long",
    message="the value has {length} characters; at most {most} are accepted",
    fix="Shorten it to {most} characters.",
    example="A whole document pasted into the narrative.",
)
EMPTY_VALUE = FindingCode(
    code="TAX-014",
    severity="error",
    scope="field",
    title="Empty value",
    message="the value is empty",
    fix="Leave the element out where there is nothing to say.",
    example="ClinicalOutcome is ''.",
)
NUMBER_OUT_OF_RANGE = FindingCode(
    code="TAX-015",
    severity="error",
    scope="field",
    title="Number out of range",
    message="the number is not between {least} and {most}",
    fix="Send a whole number from {least} to {most}.",
    example="PatientSequence is 99999999999.",
)
