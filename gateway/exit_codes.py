"""What the command line's exit code tells: one table."""

from collections.abc import Collection
from enum import IntEnum

from schemas.errors import WrongUseError
from schemas.receipt import Receipt


class ExitCode(IntEnum):
    """0 all accepted, 3 some rejected, 4 batch unreadable, 5 batch held, 6 some quarantined, 7 an
    alarm is open, 2 wrong use, 1 we broke."""

    ALL_ACCEPTED = 0
    BROKEN = 1
    WRONG_USE = 2
    SOME_REJECTED = 3
    UNREADABLE = 4
    HELD = 5
    QUARANTINED = 6
    ALARM = 7


def of_receipt(receipt: Receipt) -> ExitCode:
    if receipt.verdict == "held":
        return ExitCode.HELD
    if receipt.counts.quarantined:
        return ExitCode.QUARANTINED
    if any(finding.severity == "error" for finding in receipt.findings):
        return ExitCode.UNREADABLE
    return ExitCode.SOME_REJECTED if receipt.counts.rejected else ExitCode.ALL_ACCEPTED


def find_worst(codes: Collection[ExitCode]) -> ExitCode:
    """Of several batches: that we broke before anything about the feeds."""
    if ExitCode.BROKEN in codes:
        return ExitCode.BROKEN
    return max(codes, default=ExitCode.ALL_ACCEPTED)


def of_error(error: Exception) -> ExitCode:
    return ExitCode.WRONG_USE if isinstance(error, WrongUseError) else ExitCode.BROKEN
