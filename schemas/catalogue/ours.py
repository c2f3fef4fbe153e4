"""Findings on a record that is not at fault: we are (OURS-NNN)."""

from schemas.finding import FindingCode

QUARANTINED = FindingCode(
    code="OURS-001",
    severity="error",
    scope="record",
    title="Kept by the gateway, not loaded yet",
    message="the gateway itself failed over this record (fault {fault}); the record is kept as it"
    " came, and will be loaded",
    fix="Do not send it again: it is loaded in its place once the gateway is mended, and this"
    " receipt then says so. Quote {fault} if you ask about it.",
    example="A record that meets a mistake in the gateway's own code. Nothing is wrong with it.",
)
