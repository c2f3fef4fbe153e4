"""Finding codes of reading a feed: the file, its encoding, its records as such (READ-NNN)."""

from schemas.finding import FindingCode

EMPTY_FEED = FindingCode(
    code="READ-090",
    severity="error",
    scope="batch",
    title="Empty feed",
    message="the feed holds no record",
    fix="Send the feed again with its records; if there was nothing to send, send nothing.",
    example="A CSV file with a header and no rows, or a file of no bytes.",
)
NOT_FHIR = FindingCode(
    code="READ-091",
    severity="error",
    scope="batch",
    title="Not FHIR",
    message="the source is registered for FHIR, and the feed is neither JSON nor XML",
    fix="Send AdverseEvent resources as JSON, NDJSON or XML, or have the source registered for the"
    " format it sends.",
    example="A CSV file pushed by a source registered with --format fhir.",
)
