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
