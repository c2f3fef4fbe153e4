"""Finding codes of reading a feed: the file, its encoding, its records as such (READ-NNN)."""

from schemas.finding import FindingCode

WRONG_HEADER = FindingCode(
    code="READ-069",
    severity="error",
    scope="batch",
    title="Columns missing from the header",
    message="the header lacks columns that the profile needs: {columns}",
    fix=("Send the file with its header as the first row, the columns named as in the profile."),
    example="A file exported without its header, or one that is meant for another source.",
)
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
    fix="Send AdverseEvent resources as JSON or NDJSON in UTF-8, or as XML; or have the source"
    " registered for the format it sends.",
    example="A CSV file, or JSON in UTF-16, pushed by a source registered with --format fhir.",
)

# 001–049: JSON of any kind, and FHIR as XML.
JSON_BROKEN = FindingCode(
    code="READ-001",
    severity="error",
    scope="record",
    title="Record is not JSON",
    message="the record is not valid JSON: {problem}",
    fix="Send the record again as valid JSON; in a feed the records around it were read.",
    example="A line of NDJSON that was cut off.",
)
NOT_UTF_8 = FindingCode(
    code="READ-002",
    severity="error",
    scope="record",
    title="Record is not UTF-8",
    message="the record holds bytes that are not UTF-8",
    fix="Send JSON in UTF-8; in a feed the records around it were read.",
    example="A narrative with a pound sign in Windows-1252.",
)
DUPLICATE_KEY = FindingCode(
    code="READ-003",
    severity="error",
    scope="record",
    title="Key given twice",
    message="an object of the record gives the same key twice; which value is meant is not known",
    fix="Send each key of an object once.",
    example='{{"date": "2026-11-03", "date": "2026-11-04"}}',
)
NESTED_TOO_DEEP = FindingCode(
    code="READ-004",
    severity="error",
    scope="record",
    title="Nested too deeply",
    message="the record is nested more than {limit} levels deep",
    fix="Send plain records: an AdverseEvent needs fewer than ten levels.",
    example="A thousand opening brackets.",
)
RECORD_TOO_LONG = FindingCode(
    code="READ-005",
    severity="error",
    scope="record",
    title="Record too long",
    message="the record is longer than {limit} bytes, the most that is read",
    fix=("Send the event without attachments and without anything the taxonomy does not ask for."),
    example="An AdverseEvent, or a record of a vendor's JSON, with a scan inside.",
)
NOT_ADVERSE_EVENT = FindingCode(
    code="READ-006",
    severity="error",
    scope="record",
    title="Not an AdverseEvent",
    message="the record is not an AdverseEvent but {found}",
    fix=(
        "Send one AdverseEvent a record; patient and place belong inside it as contained"
        " resources. A Bundle is a feed."
    ),
    example="A Bundle with a Patient as an entry of its own.",
)
REQUEST_NOT_ACCEPTED = FindingCode(
    code="READ-007",
    severity="error",
    scope="record",
    title="Request not accepted",
    message="request.method of the entry is {method}; accepted: POST, PUT",
    fix="Send entries that create or update; events are not deleted by a feed.",
    example='"request": {{"method": "DELETE", …}}',
)
NUL_CHARACTER = FindingCode(
    code="READ-008",
    severity="error",
    scope="record",
    title="NUL character",
    message="a text of the record holds a NUL character",
    fix="Remove it: no text has use for it, and no database takes it.",
    example='"description": "fell\\u0000 from the bed"',
)
FEED_BROKEN_OFF = FindingCode(
    code="READ-010",
    severity="error",
    scope="batch",
    title="Feed broken off",
    message="the JSON breaks off or is broken at byte {byte}: nothing after it was read",
    fix="Send the feed again whole; the records before that byte were read.",
    example="A Bundle cut off in the middle of an entry.",
)
BUNDLE_TYPE = FindingCode(
    code="READ-011",
    severity="error",
    scope="batch",
    title="Bundle of another type",
    message="a Bundle of type {type} is not a feed; accepted: collection, batch, transaction,"
    " searchset",
    fix="Send the events in a Bundle of type collection, batch, transaction or searchset.",
    example='"type": "history"',
)
NO_FHIR_ROOT = FindingCode(
    code="READ-012",
    severity="error",
    scope="batch",
    title="Neither AdverseEvent nor Bundle",
    message="the document is {found}; accepted: an AdverseEvent, a Bundle",
    fix="Send one AdverseEvent, or a Bundle of them.",
    example="<Patient xmlns='http://hl7.org/fhir'>",
)

JSON_NOT_UTF_8 = FindingCode(
    code="READ-013",
    severity="error",
    scope="batch",
    title="JSON in another encoding",
    message="the JSON is in {encoding}; it is read in UTF-8 only",
    fix="Send JSON in UTF-8, as its standard (RFC 8259) asks for.",
    example="A file saved as 'Unicode' by an editor on Windows.",
)
NOT_JSON = FindingCode(
    code="READ-016",
    severity="error",
    scope="batch",
    title="Not JSON",
    message="the source is registered for JSON, and the feed does not begin as JSON",
    fix="Send a JSON document, or one JSON object a line (NDJSON), in UTF-8; or have the source"
    " registered for the format it sends.",
    example="A CSV file pushed by a source registered with --format json.",
)
NO_RECORDS_THERE = FindingCode(
    code="READ-014",
    severity="error",
    scope="batch",
    title="No records where the profile looks for them",
    message="the profile reads records at {pointer}; at {where} the document is {found}",
    fix="Send the document as the profile describes it, or have the profile name where the records"
    " are.",
    example='{{"data": [ … ]}} for a profile that reads records at /incidents.',
)
NOT_AN_OBJECT = FindingCode(
    code="READ-015",
    severity="error",
    scope="record",
    title="Record is no object",
    message="the record is {found}; accepted: a JSON object",
    fix="Send each record as one JSON object with the names of its fields as keys.",
    example="A list of values a record, with the names of the columns in the first.",
)

# 050–089: XML and CSV as such, and the caps on any feed.
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
    message="the XML breaks at line {line}, column {column}, byte {byte} ({problem}): nothing after"
    " it was read",
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
    title="Long stretch without a record in XML",
    message="there is no record within {limit} bytes: nothing after that was read",
    fix="Send nothing but records in the feed.",
    example="A file with megabytes of other elements between two records.",
)
XML_OTHER_ROOT = FindingCode(
    code="READ-054",
    severity="error",
    scope="batch",
    title="Another root element in XML",
    message="the root element is {root}; this profile reads {expected}",
    fix=("Send XML of the profile registered for the source, with its root element and namespace."),
    example="<incidents> without the namespace that the profile names.",
)
XML_RECORD_TOO_LONG = FindingCode(
    code="READ-055",
    severity="error",
    scope="record",
    title="Record too long in XML",
    message="the record is longer than {limit} bytes, or than as many characters with the paths of"
    " its texts",
    fix="Send the record without attachments and embedded files.",
    example="An incident with a scanned letter in base64.",
)
XML_BAD_CHARACTERS = FindingCode(
    code="READ-056",
    severity="error",
    scope="record",
    title="Characters that XML may not hold",
    message="the record holds control characters, which no XML may hold, or bytes outside the"
    " encoding of the file",
    fix="Take control characters out of texts before they are written, and write the file in the"
    " encoding it declares, best UTF-8; the records around it were read.",
    example="A narrative pasted from a word processor with a vertical tab (&#11;) in it, or with an"
    " 'é' in Windows-1252 in a file that declares UTF-8.",
)
XML_FALSE_DECLARATION = FindingCode(
    code="READ-057",
    severity="warning",
    scope="batch",
    title="XML declares another encoding than it has",
    message="the XML declares {said}, but it is not: it was read as {encoding}",
    fix="Declare the encoding in which the file is written, best UTF-8.",
    example="encoding='utf-16' written by a program into a text that was then saved as UTF-8.",
)
XML_RECORD_REFUSED = FindingCode(
    code="READ-058",
    severity="error",
    scope="record",
    title="Record beyond what an XML parser takes",
    message="the record is nested or made in a way that is not read ({problem}); the file around it"
    " is well formed",
    fix="Send plain records: a few levels, short names, few attributes.",
    example="An element with thousands of levels inside.",
)
NO_HEADER = FindingCode(
    code="READ-060",
    severity="error",
    scope="batch",
    title="No header in CSV",
    message="the CSV has no header row",
    fix="Send a CSV whose first row names the columns.",
    example="A file of blank lines.",
)
BAD_HEADER = FindingCode(
    code="READ-061",
    severity="error",
    scope="batch",
    title="Unreadable header in CSV",
    message="the header row cannot be read: its quotes are not closed, it is too long,"
    " or it holds NUL characters",
    fix="Send a CSV whose first row names the columns, quoted as in RFC 4180.",
    example="A header that starts with a quote and never closes it.",
)
REPEATED_COLUMN = FindingCode(
    code="READ-062",
    severity="error",
    scope="batch",
    title="Column name repeated in CSV",
    message="the header names columns more than once that the profile reads: {columns}",
    fix="Give every column a name of its own; which of them is meant cannot be told.",
    example="Two columns named 'location'.",
)
BAD_BYTES = FindingCode(
    code="READ-063",
    severity="error",
    scope="record",
    title="Bytes outside the encoding",
    message="the row holds bytes that are not {encoding}, the encoding of the file",
    fix="Export the file in one encoding, best UTF-8, and send the row again.",
    example="A UTF-8 file with one cell pasted in from a Windows-1252 file.",
)
TOO_MANY_CELLS = FindingCode(
    code="READ-064",
    severity="error",
    scope="record",
    title="More cells than columns",
    message=(
        "the row has {cells} cells and the header {columns} columns: it cannot be told "
        "which cell belongs to which column"
    ),
    fix="Put cells that hold the delimiter in quotes, as in RFC 4180.",
    example="A narrative with a comma, not in quotes.",
)
TOO_FEW_CELLS = FindingCode(
    code="READ-065",
    severity="warning",
    scope="record",
    title="Fewer cells than columns",
    message=(
        "the row has {cells} cells and the header {columns} columns; the missing cells "
        "were read as empty"
    ),
    fix=(
        "Write every cell of a row, including empty ones, and put cells with line breaks in quotes."
    ),
    example="An export that leaves out the empty cells at the end of a row.",
)
NUL_IN_ROW = FindingCode(
    code="READ-066",
    severity="error",
    scope="record",
    title="NUL characters in a row",
    message="the row holds NUL characters",
    fix="Export the row again: NUL characters come from a broken export or disk.",
    example="The end of a file filled up with zero bytes.",
)
ROW_TOO_LONG = FindingCode(
    code="READ-067",
    severity="error",
    scope="record",
    title="Row too long",
    message="the row is longer than {limit} characters, or a quote in it is never closed",
    fix="Close every quote, and send no attachments inside cells.",
    example="A cell that starts with a quote and has no quote at its end.",
)
BAD_QUOTING = FindingCode(
    code="READ-068",
    severity="error",
    scope="record",
    title="Quotes that cannot be read",
    message=(
        "the quotes of the row cannot be read: one is not closed, or one inside a cell is "
        "not doubled"
    ),
    fix="Double every quote inside a quoted cell, and close every quoted cell, as in RFC 4180.",
    example='"She said "wait" and left" in one cell.',
)
TEXT_TOO_LONG = FindingCode(
    code="READ-070",
    severity="error",
    scope="record",
    title="Text too long",
    message="{field} holds a text of more than {limit} characters, the most that is read",
    fix="Send the text itself, without attachments or pasted documents.",
    example="A narrative with a picture in base64 pasted into it.",
)
TOO_MANY_FIELDS = FindingCode(
    code="READ-071",
    severity="error",
    scope="record",
    title="Too many fields in a record",
    message="the record has more than {limit} different fields, the most that are read",
    fix="Send records whose fields have fixed names: values belong beside a name, not into it.",
    example="A JSON object with a key for each day of ten years.",
)
TOO_MANY_COLUMNS = FindingCode(
    code="READ-072",
    severity="error",
    scope="batch",
    title="Too many columns in CSV",
    message="the header has {columns} columns; {limit} are the most that are read",
    fix="Send only the columns that the profile reads or ignores.",
    example="A pivoted export with a column for each day.",
)
REPEATED_UNREAD_COLUMN = FindingCode(
    code="READ-073",
    severity="warning",
    scope="batch",
    title="Column name repeated that the profile does not read",
    message="the header names columns more than once, none of which the profile reads: {columns}",
    fix="Give every column a name of its own; until then nothing can be taken from these.",
    example="Two columns named 'notes' in an export that was joined with itself.",
)
HEADER_AGAIN = FindingCode(
    code="READ-074",
    severity="information",
    scope="batch",
    title="Header repeated among the rows",
    message="rows that repeat the header were not read as records: {rows}",
    fix="Nothing to do; if exports were put one behind the other, check that none is missing.",
    example="The exports of two months in one file, each with its header.",
)
TOTALS_ROW = FindingCode(
    code="READ-075",
    severity="information",
    scope="batch",
    title="Line of totals",
    message="the last line, {row}, is one of totals and was not read as a record",
    fix="Nothing to do; best export without a line of totals.",
    example="Total,,,37",
)
FALSE_MARK = FindingCode(
    code="READ-076",
    severity="warning",
    scope="batch",
    title="Byte order mark of another encoding",
    message="the file begins with the mark of UTF-8, but its text is {encoding}: read as that",
    fix="Export the file in one encoding, best UTF-8.",
    example="A script that puts a byte order mark before a Windows-1252 export.",
)
NO_ROW_ID = FindingCode(
    code="READ-077",
    severity="warning",
    scope="record",
    title="Row without the id that joins rows",
    message="the row has no {column}, which tells what rows are of one record: it was read as a"
    " record of its own",
    fix="Fill the column in every row.",
    example="The second patient of an incident, in a row without the number of the incident.",
)
NEWEST_UNKNOWN = FindingCode(
    code="READ-078",
    severity="error",
    scope="record",
    title="Newest row not known",
    message="which row of the record is the newest cannot be told: the dates of row {row} in"
    " {column} cannot be read; accepted: {accepted}",
    fix="Fill the column in every row of a record, in the format of the profile.",
    example="'tomorrow' in the column of dates of change.",
)
OLDER_ROWS = FindingCode(
    code="READ-079",
    severity="information",
    scope="record",
    title="Older rows left out",
    message="row {row} is the newest of the record; older rows left out: {count}",
    fix="Nothing to do.",
    example="An export with a row for each modification of an incident.",
)
ROWS_TOO_LONG = FindingCode(
    code="READ-080",
    severity="error",
    scope="record",
    title="Rows of one record too long",
    message="the rows of the record are too many or too long for one record: the limit is {limit}"
    " characters together, each filled cell counting 50 more",
    fix="Check the id: so many rows of one record are hardly right. Send no attachments in cells.",
    example="A column of ids that holds the same in every row.",
)
ROWS_SCATTERED = FindingCode(
    code="READ-081",
    severity="error",
    scope="record",
    title="Rows of one record too far apart",
    message="the rows of the record do not stand together, and so many do not in this file that no"
    " more of them could be put together",
    fix="Sort the file by {column}, so that the rows of a record stand one after another.",
    example="A file of gigabytes sorted by date, with all contacts at its end.",
)
ROW_TWICE = FindingCode(
    code="READ-082",
    severity="warning",
    scope="record",
    title="Row given twice in a record",
    message="rows of the record are the same in every cell: {rows}; each was read, so that a"
    " patient or a medicine may be in the event more than once",
    fix="Leave out the row that is there twice; where they are two patients, number them, or tell"
    " them apart by any column.",
    example="An export joined from two tables that gives the row of a patient twice.",
)
EQUALLY_NEW = FindingCode(
    code="READ-083",
    severity="warning",
    scope="record",
    title="Rows of one record equally new",
    message="rows {rows} of the record have the same newest date and differ: row {row}, the last of"
    " them, was read and the others left out",
    fix="Export the dates with their times, or only the row that counts.",
    example="A record changed twice on one day, in an export whose dates have no times.",
)
