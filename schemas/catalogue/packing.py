"""Finding codes of feeds that come packed: gzip, zip and what is neither (PACK-NNN)."""

from schemas.finding import FindingCode

OTHER_PACKING = FindingCode(
    code="PACK-001",
    severity="error",
    scope="batch",
    title="Packed otherwise",
    message="the feed is packed as {packing}, which is not read",
    fix="Send the feed as it is, or packed as gzip or zip.",
    example="A feed.7z.",
)
BROKEN_OFF = FindingCode(
    code="PACK-002",
    severity="error",
    scope="batch",
    title="Packed feed broken off",
    message="{what} breaks off at byte {byte} of the packed feed: what was unpacked before it was"
    " read, nothing after it",
    fix="Pack the feed again and send it whole; compare its size on both sides, as it was most"
    " likely cut off on the way.",
    example="An upload of feed.csv.gz that was cut off.",
)
UNPACKS_TOO_LARGE = FindingCode(
    code="PACK-003",
    severity="error",
    scope="batch",
    title="Unpacks to too much",
    message="{what} unpacks to more than {limit} bytes, the most that is read: it was not read",
    fix="Send the events in several feeds, each within the limit.",
    example="A zip of ten years of incidents.",
)
PACKED_TOO_WELL = FindingCode(
    code="PACK-004",
    severity="error",
    scope="batch",
    title="Packed better than any feed",
    message="{what} unpacks to more than {limit} times its packed size: it was not read",
    fix="Send the feed as it is, without packing it; if it is as it should be, it will be read.",
    example="A file of a gigabyte of zeros, packed into a megabyte.",
)
MEMBER_NOT_READ = FindingCode(
    code="PACK-005",
    severity="error",
    scope="batch",
    title="File in the zip not read",
    message="{what} was not read: {problem}",
    fix="Put the feed's files into the zip as they are: packed once, by the usual method (deflate),"
    " without a password, and nothing else beside them.",
    example="A zip with a password; a zip inside a zip; a letter in PDF beside the feed.",
)
ZIP_BROKEN_OFF = FindingCode(
    code="PACK-006",
    severity="error",
    scope="batch",
    title="List of files missing in the zip",
    message="the list of files at the end of the zip is missing or damaged: its files were read one"
    " by one from its start, as far as byte {byte}",
    fix="Pack the feed again and send it whole; compare its size on both sides, as it was most"
    " likely cut off on the way.",
    example="An upload of a zip that was cut off.",
)
OVERLAPPING_MEMBERS = FindingCode(
    code="PACK-007",
    severity="error",
    scope="batch",
    title="Overlapping files in the zip",
    message="files of the zip lie on one another: {files} of them, the first at byte {byte}, were"
    " not read",
    fix="Pack the feed with an ordinary zip tool and send it again.",
    example="A zip made to unpack to far more than it holds.",
)
TRAILING_BYTES = FindingCode(
    code="PACK-008",
    severity="error",
    scope="batch",
    title="Bytes behind the gzip",
    message="behind the end of the gzip, from byte {byte} on, stands something that is not gzip"
    " ({bytes} bytes): it was not read",
    fix="Pack the feed again and send it; if the feed is made of several gzips one after the other,"
    " one of them is damaged at its start.",
    example="A log line written to the end of feed.csv.gz.",
)
LEFT_OUT = FindingCode(
    code="PACK-009",
    severity="information",
    scope="batch",
    title="Entries of the zip left out",
    message="the zip holds entries that are no feeds, and were left out (folders: {folders},"
    " files that a computer keeps for itself: {files})",
    fix="Nothing to do.",
    example="__MACOSX/._march.csv beside march.csv.",
)
WORKBOOK = FindingCode(
    code="PACK-010",
    severity="error",
    scope="batch",
    title="Excel workbook",
    message="the feed is an Excel workbook, which is not read",
    fix="Save the sheet as 'CSV UTF-8' and send that.",
    example="incidents.xlsx, or one renamed to incidents.csv.",
)
DAMAGED = FindingCode(
    code="PACK-011",
    severity="error",
    scope="batch",
    title="Packed feed damaged",
    message="{what} is damaged (found at byte {byte} of the packed feed): none of it was read, as a"
    " wrong byte may stand anywhere before that, in a narrative or in a code",
    fix="Pack the feed again and send it whole; its checksum was wrong, so it was most likely"
    " damaged on a disk or on the way.",
    example="A feed.zip that a failing disk changed by one byte.",
)
