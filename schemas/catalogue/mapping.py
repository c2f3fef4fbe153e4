"""Finding codes of mapping: what in the sender's record found no place in the national event
(MAP-NNN)."""

from schemas.finding import FindingCode

UNMAPPED_FIELD = FindingCode(
    code="MAP-001",
    severity="warning",
    scope="field",
    title="Field not mapped",
    message="{field} is not part of the profile {profile}: its content was not taken over",
    fix="Remove the field, or add it to the profile: mapped, or ignored with a reason.",
    example="A CSV column 'ward_phone' that the profile does not name.",
)

FOREIGN_REFERENCE = FindingCode(
    code="MAP-090",
    severity="warning",
    scope="field",
    title="Reference number of another event",
    message="the ReferenceNumber given is not the one of this event; it was not taken over",
    fix="Leave ReferenceNumber out, or send back the one that the receipt gave for this record.",
    example="An update that carries the reference number of a different event.",
)
