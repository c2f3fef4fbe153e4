"""The bank holidays of England: on them a source that rests at weekends rests too."""

from datetime import date, timedelta
from functools import lru_cache

SATURDAY, SUNDAY = 5, 6


@lru_cache(maxsize=8)
def find_bank_holidays(year: int) -> frozenset[date]:
    """By the rules that hold since 1978. Those that are given once, for a coronation, are not
    here: an alarm on such a day is acknowledged."""
    easter = find_easter(year)
    fixed = {
        _find_weekday_on(date(year, 1, 1)),
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        _find_monday(date(year, 5, 1)),
        _find_monday(date(year, 5, 25)),
        _find_monday(date(year, 8, 25)),
    }
    christmas = _find_weekday_on(date(year, 12, 25))
    boxing = _find_weekday_on(date(year, 12, 26))
    if christmas >= boxing:
        # Christmas on a Saturday or Sunday pushes the other one on.
        boxing = christmas + timedelta(days=1)
    return frozenset({*fixed, christmas, boxing})


def find_easter(year: int) -> date:
    """Easter Sunday (the Gregorian computus of Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _find_weekday_on(day: date) -> date:
    """The day, or the Monday after the weekend that it falls on."""
    return day + timedelta(days={SATURDAY: 2, SUNDAY: 1}.get(day.weekday(), 0))


def _find_monday(first: date) -> date:
    """The first Monday on or after a day: of May, the last of May (after the 25th), of August."""
    return first + timedelta(days=-first.weekday() % 7)
