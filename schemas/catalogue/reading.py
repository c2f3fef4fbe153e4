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

# 050–099: CSV and XML as such.
XML_DOCTYPE = FindingCode(
    code="READ-050",
    severity="error",
    scope="batch",
    title="DOCTYPE in XML",
    message="the XML has a DOCTYPE; document types and entities are not read",
    fix="Send the XML without a DOCTYPE and without entities of its own.",
    example="<!DOCTYPE incidents SYSTEM 'incidents.dtd'> before the root element.",
)
XML_BROKEN = FindingCode(
    code="READ-051",
    severity="error",
    scope="batch",
    title="XML not well formed",
    message="the XML breaks at line {line}, column {column} ({problem}): nothing after it was read",
    fix="Repair the file at that place and send it again; the records before it were read.",
    example="A file cut off in the middle of a record.",
)
XML_NO_ROOT = FindingCode(
    code="READ-052",
    severity="error",
    scope="batch",
    title="No root element in XML",
    message="there is no root element within the first {limit} bytes",
    fix="Send XML whose root element follows its declaration.",
    example="A file that starts with a comment of a megabyte.",
)
XML_NO_RECORD = FindingCode(
    code="READ-053",
    severity="error",
    scope="batch",
    title="Record without end in XML",
    message="no record ended within {limit} bytes: nothing after that was read",
    fix="Send smaller records, and nothing but records in the feed.",
    example="An incident with a scan of hundreds of megabytes inside.",
)
