"""Finding codes of the narrative and of what free text carries (TEXT-NNN)."""

from schemas.finding import FindingCode

NARRATIVE_MISSING = FindingCode(
    code="TEXT-001",
    severity="error",
    scope="field",
    title="Narrative missing",
    message="there is no narrative; {reason} needs one",
    fix="Say in the narrative what happened, in at least {least} characters.",
    example="An incident without description.",
    misses=("", "AdverseEventCore.Description"),
)
NARRATIVE_TOO_SHORT = FindingCode(
    code="TEXT-002",
    severity="error",
    scope="field",
    title="Narrative empty or too short",
    message=(
        "the text is too short to say what happened: {length} characters given, at least "
        "{least} needed"
    ),
    fix="Say what happened, in at least {least} characters.",
    example="The narrative is 'Fall'.",
)
NHS_NUMBER_IN_TEXT = FindingCode(
    code="TEXT-003",
    severity="warning",
    scope="field",
    title="NHS number in free text",
    message="the text seems to contain NHS numbers; found: {count}",
    fix="Take NHS numbers out of free text; patients are known by PatientSequence only.",
    example="'NHS number 999 000 0018' in the narrative.",
)
EMAIL_IN_TEXT = FindingCode(
    code="TEXT-004",
    severity="warning",
    scope="field",
    title="E-mail address in free text",
    message="the text seems to contain e-mail addresses; found: {count}",
    fix="Take e-mail addresses out of free text; name the role of the person instead.",
    example="'sent to a.person@example.org' in the narrative.",
)
TELEPHONE_IN_TEXT = FindingCode(
    code="TEXT-005",
    severity="warning",
    scope="field",
    title="Telephone number in free text",
    message="the text seems to contain telephone numbers; found: {count}",
    fix="Take telephone numbers out of free text.",
    example="'call 01632 960123' in the narrative.",
)
POSTCODE_IN_TEXT = FindingCode(
    code="TEXT-006",
    severity="warning",
    scope="field",
    title="Postcode in free text",
    message="the text seems to contain postcodes; found: {count}",
    fix="Take postcodes and addresses out of free text; say the kind of place instead.",
    example="'lives at ZZ1 1ZZ' in the narrative.",
)
NAME_IN_TEXT = FindingCode(
    code="TEXT-007",
    severity="warning",
    scope="field",
    title="Name of a person in free text",
    message="the text seems to contain names of people, with a title; found: {count}",
    fix="Name the role instead of the person: 'the patient', 'the consultant'.",
    example="'Mrs Example was found' in the narrative.",
)
