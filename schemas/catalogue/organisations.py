"""Finding codes of organisations: known, open, and allowed to the source (ORG-NNN)."""

from schemas.finding import FindingCode

UNKNOWN_ORGANISATION = FindingCode(
    code="ORG-001",
    severity="error",
    scope="field",
    title="Organisation unknown",
    message="{value} is not an organisation in the register",
    fix=("Send the ODS code of an organisation in the register, in capitals and without spaces."),
    example="ReporterOrganisation is 'XX999', or the name of the organisation.",
)
SUBMITTER_NOT_ALLOWED = FindingCode(
    code="ORG-002",
    severity="error",
    scope="field",
    title="Source may not submit for this organisation",
    message="the source {source} may not submit for {value}",
    fix=(
        "Send an organisation that you submit for as ReporterOrganisation, or have {value} "
        "added to the source."
    ),
    example="A trust's system sends an event that another trust reported.",
)
REPLACED_BY_SUCCESSOR = FindingCode(
    code="ORG-003",
    severity="warning",
    scope="field",
    title="Closed organisation replaced by its successor",
    message="{value} closed on {closed}; its successor {successor} was recorded instead",
    fix="Send {successor} for events from {closed} on.",
    example="Organisation is a trust that merged into another before the event.",
)
CLOSED_WITHOUT_SUCCESSOR = FindingCode(
    code="ORG-004",
    severity="warning",
    scope="field",
    title="Closed organisation without a successor",
    message=(
        "{value} closed on {closed} and has no single open successor in the register; it was kept"
    ),
    fix="Send the organisation that was responsible on the day of the event.",
    example="Organisation is a clinic that closed before the event.",
)
OPENED_AFTER_EVENT = FindingCode(
    code="ORG-005",
    severity="warning",
    scope="field",
    title="Organisation opened after the event",
    message="{value} opened on {opened}, which is after the event",
    fix="Check the date, or send the organisation that was responsible on the day of the event.",
    example="Organisation is a trust that was founded in the year after the event.",
)
NAME_AMBIGUOUS = FindingCode(
    code="ORG-006",
    severity="error",
    scope="field",
    title="Name of several organisations",
    message="{value} is the name of {count} organisations in the register: {candidates}",
    fix="Send the ODS code of the one that is meant, or have it put in the profile's code list.",
    example="Organisation is 'The Surgery', which is what many practices are called.",
)
NAME_UNKNOWN = FindingCode(
    code="ORG-007",
    severity="error",
    scope="field",
    title="Name of no organisation",
    message="{value} is not the name of an organisation in the register",
    fix=(
        "Send the ODS code of the organisation, its name as the register has it, or have the name "
        "put in the profile's code list."
    ),
    example="Organisation is 'the other hospital'.",
)
