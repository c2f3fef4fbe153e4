"""How much numbers vary, such that a few wild ones among them do not matter."""

from collections.abc import Sequence
from statistics import median
from typing import Final

# Makes the median distance from the median the standard deviation, where the numbers are normal.
_AS_DEVIATION: Final = 1.4826


def find_spread(numbers: Sequence[float]) -> float:
    """The median absolute deviation (MAD), as a standard deviation."""
    middle = median(numbers)
    return _AS_DEVIATION * median(abs(one - middle) for one in numbers)
