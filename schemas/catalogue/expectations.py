"""Finding codes of a batch as a whole: what its profile expects of it, what a batch may hold at
most, and what somebody decided about it (EXP-NNN)."""

from schemas.finding import FindingCode

# 001-009: the expectations of the profile. Warnings: whoever releases the batch accepts them.
TOO_FEW_RECORDS = FindingCode(
    code="EXP-001",
    severity="warning",
    scope="batch",
    title="Fewer records than expected",
    message="the feed holds {records} records; its profile expects at least {expected}",
    fix="Look whether the export was cut short or filtered, and send the feed again whole; if it is"
    " whole, say so to the operator of the gateway, who can release it.",
    example="A nightly export of 40 incidents where there are some 600 every night.",
)
TOO_MANY_RECORDS = FindingCode(
    code="EXP-002",
    severity="warning",
    scope="batch",
    title="More records than expected",
    message="the feed holds {records} records; its profile expects at most {expected}",
    fix="Look whether the export was made for too long a period or twice over, and send the right"
    " one; if it is right, say so to the operator of the gateway, who can release it.",
    example="Ten years of incidents where one week was meant.",
)
TOO_MANY_REJECTED = FindingCode(
    code="EXP-003",
    severity="warning",
    scope="batch",
    title="More records rejected than expected",
    message="{rejected} of {records} records would be rejected, {found}; its profile expects at"
    " most {expected}",
    fix="Correct the records as their findings say and send the feed again; where many have the"
    " same finding, its cause is one: a code list, a date format, a column.",
    example="A local code list that was changed, so that half of the records hold unknown codes.",
)

# 010-019: caps on a batch.
FEED_TOO_LARGE = FindingCode(
    code="EXP-010",
    severity="error",
    scope="batch",
    title="Feed too large",
    message="the feed has {bytes} bytes; the most that is read is {limit}",
    fix="Send it in several feeds, each within the limit.",
    example="A whole archive in one file.",
)
RECORDS_BEYOND_LIMIT = FindingCode(
    code="EXP-011",
    severity="error",
    scope="batch",
    title="More records than are read",
    message="the feed holds more than {limit} records: nothing after that record was read",
    fix="Send the events in several feeds, each within the limit.",
    example="Twenty million records in one CSV.",
)
TOO_MANY_MEMBERS = FindingCode(
    code="EXP-012",
    severity="error",
    scope="batch",
    title="Too many files in the zip",
    message="the zip holds more than {limit} files: none was read",
    fix="Put the events into fewer files, or send several zips.",
    example="A zip with a file an incident.",
)

# 020-029: decisions.
DISCARDED = FindingCode(
    code="EXP-020",
    severity="error",
    scope="batch",
    title="Discarded by decision",
    message="the batch was held, and the operator of the gateway decided not to load it",
    fix="Correct the feed as its other findings say and send it again; the very same bytes stay"
    " discarded.",
    example="A feed that broke off half-way, and was sent again whole.",
)
