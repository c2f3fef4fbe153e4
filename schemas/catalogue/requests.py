"""Findings on a request about one event, beside those on the event itself."""

from schemas.finding import FindingCode

OTHER_IDENTIFIER = FindingCode(
    code="REQ-001",
    severity="error",
    scope="field",
    title="Identifier of another event",
    message="the event at this address was recorded under another identifier, or under none",
    fix="Send the identifier the event was created with, or leave it out; to record another event,"
    " create it with POST.",
    example="PUT to the event that was created with identifier 'IN-1', with identifier 'IN-2'.",
)
OTHER_ID = FindingCode(
    code="REQ-002",
    severity="error",
    scope="field",
    title="Id is not that of the address",
    message="the resource has another id than the address it was sent to",
    fix="Send the id that the create answered with, in both places, or leave it out of the body.",
    example="PUT …/AdverseEvent/7K2M-9QXB-4T8D-V with a body whose id is another.",
)
