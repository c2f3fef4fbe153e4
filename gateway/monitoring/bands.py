"""Whether what came is as much as usual, and as good: records a day, and the share that is
rejected, against the source's own past or what an operator set. Pure."""

from collections.abc import Sequence
from datetime import date
from math import sqrt
from statistics import median
from typing import Final

import msgspec

from gateway.monitoring.spread import find_spread
from schemas.alarm import Expected, FeedDay

# Before so many days are there to compare with, nothing is concluded.
LEAST_DAYS: Final = 10
# So many days of the same weekday are compared with alone: a Monday carries the weekend.
LEAST_WEEKDAYS: Final = 6
# A share of fewer records says little.
LEAST_RECORDS: Final = 20
LEAST_REJECTED: Final = 5
# Of a source without a past: so many of what it sends, and something is wrong with its profile.
UNKNOWN_REJECTED: Final = 0.5


class Band(msgspec.Struct, frozen=True):
    """What is usual, both ends included; ``pattern`` says of what that was concluded."""

    least: int
    most: int
    pattern: str


class OutOfBand(msgspec.Struct, frozen=True):
    day: FeedDay
    band: Band


class Rejecting(msgspec.Struct, frozen=True):
    """So many of so many records since a day; ``most`` is the share that would be usual."""

    since: date
    records: int
    rejected: int
    most: float
    pattern: str


def find_out_of_band(
    days: Sequence[FeedDay], today: date, expected: Expected | None
) -> OutOfBand | None:
    """The newest day whose volume can be judged, where it is out of its band: today once it has
    more than usual, or as many batches as usual; else the one before. Oldest first."""
    if not days:
        return None
    newest, past = days[-1], days[:-1]
    band = find_band(past, newest.day, expected)
    if newest.day == today and band and newest.records <= band.most and not _is_over(newest, past):
        if not past:
            return None
        newest, past = past[-1], past[:-1]
        band = find_band(past, newest.day, expected)
    if band is None or band.least <= newest.records <= band.most:
        return None
    return OutOfBand(newest, band)


def find_band(past: Sequence[FeedDay], day: date, expected: Expected | None) -> Band | None:
    """What is usual on such a day; what an operator set goes before what is learned."""
    learned = _learn_band(past, day)
    least = expected.records_least if expected else None
    most = expected.records_most if expected else None
    if least is None and most is None:
        return learned
    return Band(
        least if least is not None else learned.least if learned else 0,
        most if most is not None else learned.most if learned else 2**62,
        "as set" if None not in {least, most} else "in part as set",
    )


def find_rejecting(days: Sequence[FeedDay], expected: Expected | None) -> Rejecting | None:
    """The newest records, at least so many that their share says something, where too many of
    them are rejected. Oldest first."""
    records = rejected = place = 0
    for place in range(len(days) - 1, -1, -1):
        records += days[place].records
        rejected += days[place].rejected
        if records >= LEAST_RECORDS:
            break
    if rejected < LEAST_REJECTED or records < LEAST_RECORDS:
        return None
    most, pattern = _find_most_rejected(days[:place], expected)
    if rejected / records <= most:
        return None
    return Rejecting(days[place].day, records, rejected, most, pattern)


def _learn_band(past: Sequence[FeedDay], day: date) -> Band | None:
    """Median ± what is usual to differ by: five deviations, half of the median, or four times what
    counts vary by themselves, whichever is most."""
    if len(past) < LEAST_DAYS:
        return None
    same = [one.records for one in past if one.day.weekday() == day.weekday()]
    is_weekly = len(same) >= LEAST_WEEKDAYS
    counts = same if is_weekly else [one.records for one in past]
    middle = median(counts)
    width = max(5 * find_spread(counts), middle / 2, 4 * sqrt(middle), 5)
    of = f"its last {len(counts)} {day:%A}s" if is_weekly else f"its last {len(counts)} days"
    return Band(max(0, int(middle - width)), int(middle + width) + 1, of)


def _is_over(newest: FeedDay, past: Sequence[FeedDay]) -> bool:
    """As many batches came as on a usual day: no more of them are to be waited for."""
    return bool(past) and newest.batches >= median(one.batches for one in past)


def _find_most_rejected(past: Sequence[FeedDay], expected: Expected | None) -> tuple[float, str]:
    if expected is not None and expected.rejected_most is not None:
        return expected.rejected_most, "as set"
    shares = [one.rejected / one.records for one in past if one.records]
    if len(shares) < LEAST_DAYS:
        return UNKNOWN_REJECTED, "of a source without a past"
    middle = median(shares)
    usual = middle + max(5 * find_spread(shares), middle, 0.05)
    return min(usual, 1.0), f"its last {len(shares)} days"
