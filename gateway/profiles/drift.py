"""What is different between a feed and the one before it: columns, codes, how much is filled."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import pandas as pd  # type: ignore[import-untyped]

from gateway.profiles.coverage import show_name
from gateway.profiles.renamed import Looks, Renamed, find_renamed
from gateway.profiles.sharing import MIN_COUNT, ValuesTold, tell_values
from gateway.profiles.tally import FieldTally, Tally, holds_codes

# Percentage points, as a share.
SHARE_CHANGE: Final = 0.2
# Of fewer records shares say nothing: one record more or less is a change of them.
MIN_RECORDS: Final = 20
# A code has vanished where so many of it were to be expected: by chance alone one in 150 times.
_EXPECTED: Final = 5


class ShareChange(msgspec.Struct, frozen=True):
    """Share of the records in which the field is filled, 0 to 1."""

    field: str
    before: float
    after: float


class CodeChange(msgspec.Struct, frozen=True):
    field: str
    new: ValuesTold
    vanished: ValuesTold


class Drift(msgspec.Struct, frozen=True):
    """``against`` names what was compared with. Columns with a number in their name
    (``patient_1_sex``) count as one. ``shares_compared``: there were records enough."""

    against: str
    records_before: int
    records_after: int
    new: list[str]
    vanished: list[str]
    renamed: list[Renamed]
    codes: list[CodeChange]
    shares: list[ShareChange]
    shares_compared: bool

    @property
    def is_any(self) -> bool:
        """Whether more than the number of records is different."""
        return bool(self.new or self.vanished or self.renamed or self.codes or self.shares)


def compare(before: Tally, after: Tally, *, against: str, min_count: int = MIN_COUNT) -> Drift:
    """What changed ``before`` → ``after``; both counted by the same profile."""
    old, new = _gather(before), _gather(after)
    old_names, new_names = _with_empty(before, old), _with_empty(after, new)
    came = [name for name in new_names if name not in old_names]
    went = [name for name in old_names if name not in new_names]
    renamed = find_renamed(_looks(before, old, went), _looks(after, new, came))
    taken = {name for one in renamed for name in (one.before, one.after)}
    compared = min(before.records, after.records) >= MIN_RECORDS
    return Drift(
        against=against,
        records_before=before.records,
        records_after=after.records,
        new=[show_name(name) for name in came if name not in taken],
        vanished=[show_name(name) for name in went if name not in taken],
        renamed=[
            Renamed(show_name(one.before), show_name(one.after), one.confidence) for one in renamed
        ],
        codes=list(_compare_codes(before, after, old, new, min_count)),
        shares=list(_compare_shares(before, after, old, new)) if compared else [],
        shares_compared=compared,
    )


Gathered = Mapping[str, list[FieldTally]]


def _gather(tally: Tally) -> Gathered:
    """Fields by the name the profile has for them: the fifth patient of a feed is no new column."""
    gathered: dict[str, list[FieldTally]] = {}
    for field in tally.fields.values():
        gathered.setdefault(field.use.name, []).append(field)
    return gathered


def _with_empty(tally: Tally, gathered: Gathered) -> dict[str, None]:
    """With the columns that are there and never filled."""
    return dict.fromkeys([*gathered, *(tally.uses.find(name).name for name in tally.columns)])


def _looks(tally: Tally, gathered: Gathered, names: list[str]) -> list[Looks]:
    readable = max(tally.records, 1)
    return [
        Looks(name, found[0].values, found[0].shapes, found[0].filled / readable)
        for name in names
        for found in [gathered.get(name)]
        if found
    ]


def _compare_shares(
    before: Tally, after: Tally, old: Gathered, new: Gathered
) -> Iterator[ShareChange]:
    table = pd.DataFrame(
        {"before": _measure_shares(before, old), "after": _measure_shares(after, new)}
    ).dropna()
    change = table["after"] - table["before"]
    # A hair above: 0.9 - 0.7 is not a change of more than 20 points.
    changed = table[change.abs() > SHARE_CHANGE + 1e-9]
    order = change.loc[changed.index].abs().sort_values(ascending=False, kind="stable").index
    for name in order:
        shares = changed.loc[name]
        yield ShareChange(show_name(str(name)), float(shares["before"]), float(shares["after"]))


def _measure_shares(tally: Tally, gathered: Gathered) -> pd.Series:
    records = max(tally.records - tally.unreadable, 1)
    filled = {name: max(one.filled for one in found) for name, found in gathered.items()}
    filled |= {name: 0 for name in _with_empty(tally, gathered) if name not in filled}
    return pd.Series(filled, dtype="float64") / records


def _compare_codes(
    before: Tally, after: Tally, old: Gathered, new: Gathered, min_count: int
) -> Iterator[CodeChange]:
    for name in new:
        if name not in old or not holds_codes(new[name][0].use, after.profile):
            continue
        fields = [*old[name], *new[name]]
        if any(field.is_more for field in fields):
            continue  # not all values could be counted: nothing is known to be new
        counts = _count_values(old[name], new[name])
        came = counts.loc[(counts["before"] == 0) & (counts["after"] >= min_count), "after"]
        expected = counts["before"] * after.records / max(before.records, 1)
        went = counts.loc[(counts["after"] == 0) & (expected >= _EXPECTED), "before"]
        if len(came) or len(went):
            yield CodeChange(
                field=show_name(name),
                new=tell_values(_as_counts(came), min_count=min_count),
                vanished=tell_values(_as_counts(went), min_count=min_count),
            )


def _count_values(old: list[FieldTally], new: list[FieldTally]) -> pd.DataFrame:
    """Value → how often before and after."""
    columns = {"before": old, "after": new}
    found = {
        column: pd.concat([pd.Series(dict(field.values), dtype="int64") for field in fields])
        for column, fields in columns.items()
    }
    table = pd.DataFrame(
        {column: series.groupby(level=0).sum() for column, series in found.items()}
    )
    return table.fillna(0).astype("int64")


def _as_counts(series: pd.Series) -> dict[str, int]:
    return {str(value): int(count) for value, count in series.items()}
