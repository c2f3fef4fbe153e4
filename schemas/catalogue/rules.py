"""Finding codes of the rules between elements (RULE-NNN). Tens go by topic."""

from schemas.finding import FindingCode

# What each event type needs.
INCIDENT_WITHOUT_AGENTS = FindingCode(
    code="RULE-001",
    severity="error",
    scope="record",
    title="Incident without involved agents",
    message="an incident needs at least one code in InvolvedAgents",
    fix=(
        "Send AdverseEventAgent.InvolvedAgents; where nothing applies, code 10 (None of the above)."
    ),
    example="An incident without the group AdverseEventAgent.",
    misses=("",),
)
INCIDENT_WITHOUT_SAFETY_CHALLENGES = FindingCode(
    code="RULE-002",
    severity="error",
    scope="record",
    title="Incident without safety challenges",
    message="an incident needs at least one code in SafetyChallenges",
    fix=(
        "Send AdverseEventSafetyChallenges.SafetyChallenges; where nothing applies, code 6 "
        "(None of the above)."
    ),
    example="An incident without the group AdverseEventSafetyChallenges.",
    misses=("",),
)
RISK_WITHOUT_IMMINENCE = FindingCode(
    code="RULE-003",
    severity="error",
    scope="record",
    title="Risk without RiskImminent",
    message="a risk needs RiskImminent; accepted: y, n, u",
    fix="Send AdverseEventRiskDetails.RiskImminent: y (yes), n (no) or u (unknown).",
    example="A risk without the group AdverseEventRiskDetails.",
    misses=("",),
)
RISK_WITHOUT_DESCRIPTION = FindingCode(
    code="RULE-004",
    severity="error",
    scope="record",
    title="Risk without a description",
    message="a risk needs a narrative or RiskDescription",
    fix="Describe the risk in the narrative or in AdverseEventRiskDetails.RiskDescription.",
    example="A risk with RiskImminent only.",
    misses=("", "narrative"),
)
OUTCOME_WITHOUT_TYPE = FindingCode(
    code="RULE-005",
    severity="error",
    scope="record",
    title="Outcome without OutcomeType",
    message="a poor patient outcome needs at least one code in OutcomeType",
    fix="Send at least one AdverseEventOutcome.OutcomeType.",
    example="An outcome with ImmediateActions only.",
    misses=("",),
)
GOOD_CARE_WITHOUT_FUTURE = FindingCode(
    code="RULE-006",
    severity="error",
    scope="record",
    title="Good care without HowFutureOccurrence",
    message="good care needs HowFutureOccurrence",
    fix="Say in AdverseEventWentWell.HowFutureOccurrence how it can be made to happen again.",
    example="Good care without the group AdverseEventWentWell.",
    misses=("",),
)

# Patients: harm, sequence, age.
FATAL_WITH_PSYCHOLOGICAL_HARM = FindingCode(
    code="RULE-010",
    severity="error",
    scope="field",
    title="Psychological harm of a patient who died",
    message="PhysicalHarm is 1 (fatal), so PsychologicalHarm cannot be given",
    fix="Leave PsychologicalHarm out where PhysicalHarm is 1.",
    example="PhysicalHarm 1 and PsychologicalHarm 4 on one patient.",
)
ASSOCIATION_WITHOUT_SEVERE_HARM = FindingCode(
    code="RULE-011",
    severity="warning",
    scope="field",
    title="StrengthOfAssociation without severe harm",
    message="StrengthOfAssociation is given, but no harm of this patient is fatal or severe",
    fix="Leave it out unless PhysicalHarm is 1 or 2, or PsychologicalHarm is 1.",
    example="StrengthOfAssociation 5 with PhysicalHarm 4.",
    misses=(".PhysicalHarm", ".PsychologicalHarm"),
)
PATIENT_SEQUENCE_BROKEN = FindingCode(
    code="RULE-012",
    severity="error",
    scope="record",
    title="Patients not numbered 1, 2, 3 …",
    message="PatientSequence must number the patients 1, 2, 3 … without gaps; found: {found}",
    fix=("Give the first patient PatientSequence 1, the second 2 and so on, each number once."),
    example="Two patients that both have PatientSequence 1.",
    misses=("PatientInformation.PatientSequence",),
)
AGE_NOT_IN_ENCODING = FindingCode(
    code="RULE-013",
    severity="warning",
    scope="field",
    title="Age not in the national encoding",
    message="{value} is not an age in the national encoding, so it counts as age missing",
    fix=(
        "Send the days for 1 to 30 days, months x 31 for 1 to 11 months, years x 372 from one "
        "year on (at most 199 years); where the exact age is unknown, send AgeBracket instead."
    ),
    example="AgeAtTimeOfIncidentDays is 16425 (45 x 365) instead of 16740 (45 x 372).",
)
AGE_GIVEN_TWICE = FindingCode(
    code="RULE-014",
    severity="error",
    scope="field",
    title="Exact age and age bracket",
    message="{exact} and {bracket} are both given; only one of them is accepted",
    fix="Send {exact} where the age is known, otherwise {bracket}; never both.",
    example="AgeAtTimeOfIncidentDays 16740 and AgeBracket 9 on one patient.",
)

# Codes and their texts.
OTHER_WITHOUT_TEXT = FindingCode(
    code="RULE-020",
    severity="error",
    scope="field",
    title='Code "Other" without its text',
    message="{element} has the code {other} (Other), but {text} is missing",
    fix="Say in {text} what it was, or choose another code.",
    example="ReporterRole is 9 (Other) and ReporterRoleOther is missing.",
    misses=(".{text}",),
)
TEXT_WITHOUT_OTHER = FindingCode(
    code="RULE-021",
    severity="warning",
    scope="field",
    title='Text of "Other" without its code',
    message="{text} is given, but {element} does not have the code {other} (Other)",
    fix="Send the code {other} in {element} as well, or leave {text} out.",
    example="ReporterRoleOther is given and ReporterRole is 5.",
    misses=(".{element}",),
)

# What went wrong, and with what.
PROBLEM_WITHOUT_AGENT = FindingCode(
    code="RULE-030",
    severity="warning",
    scope="field",
    title="Problem without its agent",
    message="a problem is described here, but InvolvedAgents lacks {agent} ({label})",
    fix="Add {agent} to AdverseEventAgent.InvolvedAgents, or leave the problem out.",
    example="AdverseEventProblemDevices is sent and InvolvedAgents is 4 only.",
    misses=("AdverseEventAgent.InvolvedAgents",),
)
DETAIL_WITHOUT_FACTOR = FindingCode(
    code="RULE-031",
    severity="warning",
    scope="field",
    title="Detail without its factor",
    message="{element} is given, but {parent} lacks {factor} ({label})",
    fix="Add {factor} to {parent}, or leave {element} out.",
    example="DrugUsedTooMuch is sent and DrugInvolvementFactors is 2 only.",
    misses=(".{parent}",),
)

# Safety challenges and governance.
RADIOTHERAPY_CODE_WITHOUT_CHALLENGE = FindingCode(
    code="RULE-040",
    severity="error",
    scope="field",
    title="RadiotherapyIncidentCode without its safety challenge",
    message=(
        "RadiotherapyIncidentCode is given, but SafetyChallenges lacks 4 (Radiotherapy incident)"
    ),
    fix="Add 4 (Radiotherapy incident) to SafetyChallenges, or leave the code out.",
    example="RadiotherapyIncidentCode is sent and SafetyChallenges is 2.",
    misses=(".SafetyChallenges",),
)
SCREENING_REFERENCE_WITHOUT_CHALLENGE = FindingCode(
    code="RULE-041",
    severity="error",
    scope="field",
    title="MarvinReferenceNumber without its safety challenge",
    message=(
        "MarvinReferenceNumber is given, but SafetyChallenges lacks 7 (Screening services incident)"
    ),
    fix="Add 7 (Screening services incident) to SafetyChallenges, or leave the number out.",
    example="MarvinReferenceNumber is sent and SafetyChallenges is 6.",
    misses=(".SafetyChallenges",),
)
NEVER_EVENT_TYPE_WITHOUT_FLAG = FindingCode(
    code="RULE-042",
    severity="error",
    scope="field",
    title="NeverEventType without NeverEvent",
    message="NeverEventType is given, but NeverEvent is not true",
    fix="Send NeverEvent true, or leave NeverEventType out.",
    example="NeverEventType 1 with NeverEvent false.",
    misses=(".NeverEvent",),
)
NEVER_EVENT_WITHOUT_TYPE = FindingCode(
    code="RULE-043",
    severity="error",
    scope="field",
    title="NeverEvent without NeverEventType",
    message="NeverEvent is true, but NeverEventType is missing",
    fix="Send NeverEventType, the kind of never event.",
    example="NeverEvent true and nothing else in AdverseEventGovernance.",
    misses=("",),
)
CQC_CRITERIA_WITHOUT_NOTIFY = FindingCode(
    code="RULE-044",
    severity="error",
    scope="field",
    title="CqcCriteria without CqcNotify",
    message="CqcCriteria is given, but CqcNotify is not true",
    fix="Send CqcNotify true, or leave CqcCriteria out.",
    example="CqcCriteria 2 with CqcNotify false.",
    misses=(".CqcNotify",),
)

# When and where.
TODAY_IS_ANOTHER_DAY = FindingCode(
    code="RULE-050",
    severity="error",
    scope="field",
    title="Occurred today, but dated otherwise",
    message=(
        "IncidentOccurredToday is y, but the date of the event, {value}, is not TodaysDate, {today}"
    ),
    fix="Send the same day in both, or IncidentOccurredToday n.",
    example="IncidentOccurredToday y, TodaysDate 2026-11-03, date 2026-11-01.",
)
DATE_MISSING = FindingCode(
    code="RULE-051",
    severity="error",
    scope="record",
    title="Date missing",
    message="IncidentOccurredToday is n, but neither a date nor ApproximateDate is given",
    fix=(
        "Send the date of the event; where the day is not known, ApproximateDate as "
        "YYYY-MM or YYYY."
    ),
    example="IncidentOccurredToday n without date and ApproximateDate.",
    misses=("", "AdverseEventEstimatedDate.ApproximateDate"),
)
DATE_IN_FUTURE = FindingCode(
    code="RULE-052",
    severity="error",
    scope="field",
    title="Date in the future",
    message="{value} is after the day on which the feed was received, {today}",
    fix="Send the date on which the event happened, in UK time.",
    example="The date is tomorrow, or day and month are swapped.",
)
DATE_BEFORE_NHS = FindingCode(
    code="RULE-053",
    severity="error",
    scope="field",
    title="Date before 1948",
    message="{value} is before {earliest}, the day the NHS began",
    fix="Send the date on which the event happened, with four digits of the year.",
    example="The date is 1026-11-03, or 1900-01-01 as a stand-in for unknown.",
)
APPROXIMATE_DATE_FORM = FindingCode(
    code="RULE-054",
    severity="error",
    scope="field",
    title="Approximate date not a month or a year",
    message="{value} is not an approximate date; expected YYYY-MM or YYYY",
    fix="Send YYYY-MM or YYYY. Where the day is known, send it as the date of the event.",
    example="ApproximateDate is 'Spring 2026', or '03/2026'.",
)
TIME_GIVEN_TWICE = FindingCode(
    code="RULE-055",
    severity="error",
    scope="field",
    title="Precise and estimated time",
    message="PreciseTime and EstimatedTime are both given; only one of them is accepted",
    fix="Send PreciseTime where the time is known, otherwise EstimatedTime; never both.",
    example="PreciseTime 02:40:00 and EstimatedTime 2.",
)
LOCATION_MISSING = FindingCode(
    code="RULE-060",
    severity="error",
    scope="field",
    title="Other location not named",
    message="LocationKnown is n, but neither Organisation nor OrganisationOther is given",
    fix="Send the ODS code in Organisation, or the name in OrganisationOther.",
    example="LocationKnown n and nothing else in LocationDetails.",
    misses=("", ".OrganisationOther"),
)
