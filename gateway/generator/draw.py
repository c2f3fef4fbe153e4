"""Seeded chance, cut down to what the generator draws thousands of times a second."""

from bisect import bisect
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Repeatable draws. ``restart`` begins the sequence that belongs to one record of a feed, so
    that any record can be made again without those before it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - repeatable test data, nothing secret
        self._next = self._random.random

    def restart(self, number: int) -> None:
        self._random.seed(self._seed << 40 | number)

    def chance(self, share: float) -> bool:
        return self._next() < share

    def number(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self._next() * (high - low + 1))

    def pick(self, pool: Sequence[T]) -> T:
        return pool[int(self._next() * len(pool))]

    def pick_two(self, pool: Sequence[T]) -> tuple[T, T]:
        """Two different ones of a pool of at least two."""
        first = int(self._next() * len(pool))
        second = int(self._next() * (len(pool) - 1))
        return pool[first], pool[second if second < first else second + 1]

    def weighted(self, pool: Sequence[T], cumulated: Sequence[float]) -> T:
        """One of ``pool``, of which ``cumulated`` holds the weights summed up."""
        return pool[bisect(cumulated, self._next() * cumulated[-1])]
