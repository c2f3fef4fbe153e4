"""What a receipt says of what was pruned (KEPT-NNN)."""

from schemas.finding import FindingCode

BYTES_PRUNED = FindingCode(
    code="KEPT-001",
    severity="information",
    scope="batch",
    title="The bytes of the feed are pruned",
    message="the bytes that were sent were deleted on {day}, as they had been kept long enough;"
    " what was loaded of them stays",
    fix="Nothing to do. The same bytes, sent again, are still this batch.",
    example="The receipt of a feed of two years ago.",
)
FINDINGS_PRUNED = FindingCode(
    code="KEPT-002",
    severity="information",
    scope="batch",
    title="The findings of the feed are pruned",
    message="what was found in it was deleted on {day}, as it had been kept long enough; it was:"
    " {counts}",
    fix="Nothing to do. What became of each record stands below as before.",
    example="The receipt of a feed of twelve years ago.",
)
