"""Finding codes of mapping: what in the sender's record found no place in the national event
(MAP-NNN)."""

from schemas.finding import FindingCode

UNMAPPED_FIELD = FindingCode(
    code="MAP-001",
    severity="warning",
    scope="field",
    title="Field not mapped",
    message="{field} is not part of the profile {profile}: its content was left out",
    fix=(
        "Remove the field, or have the profile extended: the field mapped, or ignored with "
        "a reason."
    ),
    example="A CSV column 'ward_phone' that the profile does not name.",
)

# 010–049: FHIR. An unknown name is an error where the source is strict.
UNKNOWN_VERSION = FindingCode(
    code="MAP-011",
    severity="error",
    scope="record",
    title="Unknown taxonomy version",
    message=(
        "meta.profile {profile} names no taxonomy version; accepted: "
        "patient-safety-adverse-event-4, -5, -6"
    ),
    fix="Name the profile of version 4, 5 or 6, or leave meta.profile out to have the version"
    " registered for the source.",
    example="meta.profile ending in 'patient-safety-adverse-event-3'.",
)
UNKNOWN_FIELD = FindingCode(
    code="MAP-012",
    severity="warning",
    scope="field",
    title="FHIR element not mapped",
    message="{field} has no place in the national event: its content was left out",
    fix="Remove it, or send what it says as an element of the national taxonomy.",
    example="A contained Patient with a 'birthDate'.",
)
UNKNOWN_GROUP = FindingCode(
    code="MAP-013",
    severity="warning",
    scope="field",
    title="Unknown group",
    message=(
        "the extension {group} is not a group of taxonomy version {version}: its content "
        "was left out"
    ),
    fix=(
        "Send only groups of the version that meta.profile names; check the spelling of "
        "the address."
    ),
    example="'adverse-event-core-5': version 5 has no such group.",
)
GROUP_OF_OTHER_VERSION = FindingCode(
    code="MAP-014",
    severity="warning",
    scope="field",
    title="Group of another version",
    message=(
        "the extension {group} belongs to another taxonomy version than the event; it was "
        "read as version {version}"
    ),
    fix="End the address of every group with the version that meta.profile names.",
    example="'adverse-event-agent-4' in an event of version 5.",
)
UNKNOWN_ELEMENT = FindingCode(
    code="MAP-015",
    severity="warning",
    scope="field",
    title="Unknown element",
    message=(
        "{element} is not an element of group {group} in taxonomy version {version}: its "
        "content was left out"
    ),
    fix="Send only elements of that group and version; check the spelling.",
    example="'AgeYears', of version 4, in an event of version 5.",
)
MISPLACED_GROUP = FindingCode(
    code="MAP-016",
    severity="warning",
    scope="field",
    title="Group on the wrong resource",
    message=(
        "group {group} belongs on {resource} and was found on {found}; it was read all the same"
    ),
    fix="Send the group as an extension of {resource}.",
    example="'location-details-5' among the extensions of the AdverseEvent itself.",
)
MISPLACED_ELEMENT = FindingCode(
    code="MAP-017",
    severity="information",
    scope="field",
    title="Element in the wrong group",
    message="{element} was found in group {found} and read as part of {group}",
    fix="Send {element} in group {group}.",
    example="'TodaysDate' in the group AdverseEventAgent.",
)
REPEATED_ELEMENT = FindingCode(
    code="MAP-018",
    severity="error",
    scope="field",
    title="Element given with different values",
    message="{element} takes only one value and was given again with another",
    fix="Send {element} once, with the value that is right.",
    example="Two different 'LevelOfConcern' in one event.",
)
REPEATED_GROUP = FindingCode(
    code="MAP-019",
    severity="error",
    scope="field",
    title="Group given more than once",
    message="group {group} may be given only once and was given again",
    fix="Send all elements of {group} in one extension.",
    example="Two 'adverse-event-agent-5' extensions in one event.",
)
REPEATED_VALUE = FindingCode(
    code="MAP-020",
    severity="information",
    scope="field",
    title="Value given more than once",
    message="{element} has the same value more than once; it counts once",
    fix="Nothing has to be done; sending each value once is enough.",
    example="'InvolvedAgents' with code 4 twice.",
)
WRONG_VALUE = FindingCode(
    code="MAP-021",
    severity="error",
    scope="field",
    title="Value of the wrong type",
    message="the value of {element} is not {expected}",
    fix="Send {element} as {value_key}: {expected}.",
    example="'NeverEvent' as valueString \"true\": valueBoolean true is accepted.",
)
OTHER_VALUE_KEY = FindingCode(
    code="MAP-022",
    severity="warning",
    scope="field",
    title="Unusual value key",
    message=(
        "{element} was sent as {found} and belongs in {value_key}; the value was read all the same"
    ),
    fix="Send {element} as {value_key}.",
    example="'PreciseTime' as valueString.",
)
LIST_OF_ONE = FindingCode(
    code="MAP-023",
    severity="information",
    scope="field",
    title="List where one value belongs",
    message="{field} was sent as a list of one; its one entry was read",
    fix="Send the value itself, without a list around it.",
    example='"valueCode": ["3"]',
)
NO_VALUE = FindingCode(
    code="MAP-024",
    severity="warning",
    scope="field",
    title="Element without a value",
    message="{element} has no value",
    fix="Send {element} with its value, or leave it out.",
    example='{{"url": "ReporterRole"}}',
)
WRONG_STRUCTURE = FindingCode(
    code="MAP-025",
    severity="error",
    scope="field",
    title="Not in the structure of FHIR",
    message="{field} is not {expected}, so it could not be read",
    fix="Send {field} as FHIR has it: {expected}.",
    example='"extension" as an object instead of a list of objects.',
)
NARRATIVE_DIFFERS = FindingCode(
    code="MAP-026",
    severity="error",
    scope="field",
    title="Two different narratives",
    message=(
        "description and AdverseEventCore.Description hold different texts; in version "
        "{version} the narrative is {kept}"
    ),
    fix="Send the narrative once, or the same text in both places.",
    example="A version 6 event whose 'description' is an older draft.",
)
NO_EVENT_TYPE = FindingCode(
    code="MAP-027",
    severity="error",
    scope="record",
    title="No event type",
    message="{field}.coding[0].code, the type of the event, is missing; accepted: 1, 2, 3, 4",
    fix="Give the code of the event type: 1 incident, 2 risk, 3 outcome, 4 good care.",
    example="An AdverseEvent of version 5 without 'type'.",
)
FIELD_OF_OTHER_RELEASE = FindingCode(
    code="MAP-028",
    severity="warning",
    scope="field",
    title="Field of another FHIR release",
    message="{found} belongs to another FHIR release; in version {version} it is {field}",
    fix="Send {field} instead of {found}.",
    example="'event' in an event of version 5, which is STU3 and has 'type'.",
)
EVENT_TYPE_DIFFERS = FindingCode(
    code="MAP-029",
    severity="error",
    scope="record",
    title="Two different event types",
    message="type and event name different types of event",
    fix="Send {field} only, with the right type.",
    example="'type' says incident, 'event' says good care.",
)
TIME_DROPPED = FindingCode(
    code="MAP-030",
    severity="information",
    scope="field",
    title="Time of day dropped",
    message="date has a time of day, which was left out; the day was taken in UK time",
    fix="Send the day as YYYY-MM-DD, and the time as AdverseEventEstimatedDate.PreciseTime.",
    example='"date": "2026-11-03T14:20:00Z"',
)
BAD_DATE = FindingCode(
    code="MAP-031",
    severity="error",
    scope="field",
    title="Not a date",
    message="date {value} is not a calendar day; expected YYYY-MM-DD or a FHIR dateTime",
    fix=(
        "Send the day as YYYY-MM-DD; where only the month or year is known, leave date out "
        "and send AdverseEventEstimatedDate.ApproximateDate."
    ),
    example='"date": "03/11/2026"',
)
NOT_ACTUAL = FindingCode(
    code="MAP-032",
    severity="warning",
    scope="field",
    title="Not an actual adverse event",
    message="{field} is {value} and not {expected}; the event was read as its type says",
    fix="Send {field} as {expected}.",
    example='"actuality": "potential"',
)
DANGLING_REFERENCE = FindingCode(
    code="MAP-033",
    severity="warning",
    scope="field",
    title="Reference to nothing",
    message="{field} refers to a resource that this event does not contain",
    fix="Refer to a contained resource by # and its id, or leave the reference out.",
    example='"location": {{"reference": "#ward"}} with no contained resource \'ward\'.',
)
SEVERAL_IDENTIFIERS = FindingCode(
    code="MAP-034",
    severity="warning",
    scope="record",
    title="Several identifiers",
    message="the record has several identifiers; the first one was used",
    fix="Send one identifier: your own id of the event, the same each time you send it.",
    example="'identifier' with the local id and the id of an older system.",
)

FOREIGN_REFERENCE = FindingCode(
    code="MAP-090",
    severity="warning",
    scope="field",
    title="Reference number of another event",
    message="the ReferenceNumber is not the one that this event was given; it was left out",
    fix=("Leave ReferenceNumber out, or send back the one that the receipt gave for this record."),
    example="An update that carries the reference number of a different event.",
)

# 050–089: CSV and vendor XML, by mapping profile.
UNKNOWN_LOCAL_CODE = FindingCode(
    code="MAP-050",
    severity="error",
    scope="field",
    title="Code not in the profile's code map",
    message="{value} is not a code of {field} in profile {profile}; accepted: {accepted}",
    fix="Send one of the accepted codes, or have the profile extended by the new one.",
    example="'near miss' in a column whose code map knows 'incident' and 'risk'.",
)
NOT_A_NUMBER = FindingCode(
    code="MAP-051",
    severity="error",
    scope="field",
    title="Not a whole number",
    message="{value} is not a whole number; expected digits only",
    fix="Send digits only, without a unit, separators or decimals.",
    example="'45 years' as an age.",
)
NOT_TRUE_OR_FALSE = FindingCode(
    code="MAP-052",
    severity="error",
    scope="field",
    title="Neither true nor false",
    message="{value} is neither true nor false; accepted: {accepted}",
    fix="Send one of the accepted words, or leave the field empty.",
    example="'maybe' as DutyOfCandour.",
)
NOT_A_PROFILE_DATE = FindingCode(
    code="MAP-053",
    severity="error",
    scope="field",
    title="Not a date",
    message="{value} is not a date; expected {accepted}",
    fix="Send a day of the calendar in the form {accepted}.",
    example="'31/02/2026', or a date with a two-digit year.",
)
NOT_A_PROFILE_TIME = FindingCode(
    code="MAP-054",
    severity="error",
    scope="field",
    title="Not a time",
    message="{value} is not a time of day; expected {accepted}",
    fix="Send the time in the form {accepted}, by the 24-hour clock.",
    example="'quarter past two'.",
)
SEVERAL_VALUES = FindingCode(
    code="MAP-055",
    severity="error",
    scope="field",
    title="Several values where one belongs",
    message="{field} has {count} values; {element} takes only one",
    fix="Send only the value that is right.",
    example="Two <eventDate> elements in one record.",
)
NOT_IN_VERSION = FindingCode(
    code="MAP-056",
    severity="warning",
    scope="field",
    title="Element of another taxonomy version",
    message="{element} is not part of taxonomy version {version}: its content was left out",
    fix="Leave the field empty for this version, or send the record as a version that has it.",
    example="A column of version 6 filled in a record of version 4.",
)
NO_EVENT_TYPE_FIELD = FindingCode(
    code="MAP-057",
    severity="error",
    scope="record",
    title="No event type in the record",
    message="{field}, the type of the event, is empty; accepted: {accepted}",
    fix="Fill in {field} with the type of the event.",
    example="A row whose event_type cell is empty.",
)
VERSION_NOT_KNOWN = FindingCode(
    code="MAP-058",
    severity="error",
    scope="record",
    title="Taxonomy version not known",
    message="{value} is not a taxonomy version; accepted: {accepted}",
    fix="Send one of the accepted versions, or leave the field empty to have the version"
    " registered for the source.",
    example="'7' in the column taxonomy_version.",
)
FIELDS_DISAGREE = FindingCode(
    code="MAP-059",
    severity="error",
    scope="field",
    title="Fields that fill one element disagree",
    message="{fields} give {element} different values; it takes only one, and was left out",
    fix="Send the value in one of these fields only, or the same in all of them.",
    example="A coded column that says 'severe harm' beside one in words that says 'no harm'.",
)
TWO_DIGIT_YEAR = FindingCode(
    code="MAP-060",
    severity="error",
    scope="field",
    title="Year of two digits",
    message="{value} has a year of two digits, which may be of either century; expected {accepted}",
    fix="Send the year in four digits, in the form {accepted}.",
    example="'03/11/26' where DD/MM/YYYY is expected.",
)
NOT_AN_AGE = FindingCode(
    code="MAP-061",
    severity="error",
    scope="field",
    title="Not an age",
    message="{value} is not an age; accepted: {accepted}",
    fix="Send the age in a form that is accepted, or leave the field empty where it is unknown.",
    example="'elderly', '90+' or '3/4' as an age.",
)
IMPOSSIBLE_AGE = FindingCode(
    code="MAP-062",
    severity="error",
    scope="field",
    title="Age that cannot be",
    message="{value} is an age below 0 or above 199 years",
    fix="Correct the age, or leave the field empty where it is unknown.",
    example="'-1', or '999' for an age that is not known.",
)
BIRTH_AFTER_EVENT = FindingCode(
    code="MAP-063",
    severity="error",
    scope="field",
    title="Born after the event",
    message="the date of birth is after the date of the event, so no age could be told",
    fix="Correct the date of birth or the date of the event.",
    example="An event on 1 March 2026 with a patient born on 1 March 2062.",
)
AGE_WITHOUT_EVENT_DATE = FindingCode(
    code="MAP-064",
    severity="warning",
    scope="field",
    title="Date of birth without a date of the event",
    message="the record has no date of the event, so the date of birth gives no age",
    fix="Send the date of the event, or the age instead of the date of birth.",
    example="A record with an approximate date only, and a date of birth.",
    misses=("event_date",),
)
AGE_TOO_COARSE = FindingCode(
    code="MAP-065",
    severity="warning",
    scope="field",
    title="Age under one year or month not told closer",
    message="{value} does not say the age closer than under one year or month: it was left out",
    fix="Send the age of infants in months, and in days in the first month.",
    example="'0' in a column of ages in years.",
)
ROWS_DISAGREE = FindingCode(
    code="MAP-066",
    severity="warning",
    scope="field",
    title="Rows of one record disagree",
    message="the rows of the record have {count} different texts in {field}, a column of the record"
    " as a whole: the values of all of them were taken over",
    fix="Give the column the same text in every row of a record, or leave it blank in all but one;"
    " if these are not one record, give each its own id.",
    example="The service area '1' in the row of one patient, and '2' in that of the next.",
)
