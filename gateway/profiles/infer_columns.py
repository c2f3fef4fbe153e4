"""The statistics of each field of a sample: how filled, how different, of which kind."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd  # type: ignore[import-untyped]

from gateway.profiles.infer_kinds import MAX_CODE, MAX_CODES, find_kind
from gateway.profiles.infer_model import Column, Field

# " {~@~} " stands in the national dataset's own lists.
_SEPARATORS: Final = ("{~@~}", "|", ";", "\n", ",")
_ENOUGH_CUT: Final = 0.03

Values = dict[str, int]


def describe_columns(records: Sequence[Mapping[str, Any]], names: Iterable[str]) -> list[Column]:
    """``records``: name → text, or list of texts. A name without any text has kind empty."""
    # Built column by column: a frame of all of them would hold every gap of a ragged feed.
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for record in records:
        for name, value in record.items():
            if name in columns:
                columns[name].append(value)
    return [_describe(name, given, len(records)) for name, given in columns.items()]


def _describe(name: str, given: list[Any], records: int) -> Column:
    texts = pd.Series(given, dtype=object).explode().dropna().astype(str).str.strip()
    texts = texts[texts != ""]
    values = _count(texts)
    several = int(texts.index.value_counts().max()) if len(texts) else 1
    separator = _find_separator(values)
    if separator is not None:
        pieces = texts.str.split(separator, regex=False).explode().str.strip()
        values = _count(pieces[pieces != ""])
    found = find_kind(values)
    filled = texts.index.nunique()
    lengths = texts.str.len()
    field = Field(
        name=name,
        filled=round(filled / records, 3) if records else 0,
        different=len(values),
        several=several,
        kind=found.kind,
        formats=found.formats,
        ambiguous=found.ambiguous,
        separator=separator,
        unique=bool(len(texts) and len(values) == len(texts) == filled and separator is None),
        median_length=int(lengths.median()) if len(texts) else 0,
        longest=int(lengths.max()) if len(texts) else 0,
    )
    return Column(field, values)


def _count(texts: Any) -> Values:
    """Value → how often it occurs, the most frequent first, of equals the one met first."""
    counted = texts.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    return {str(text): int(seen) for text, seen in counted.items()}


def _find_separator(values: Values) -> str | None:
    """What cuts cells into values that come again. A comma in a sentence cuts nothing that
    does."""
    for separator in _SEPARATORS:
        cut = {text: seen for text, seen in values.items() if separator in text}
        if sum(cut.values()) < max(1, _ENOUGH_CUT * sum(values.values())):
            continue
        pieces = Counter(piece.strip() for text in cut for piece in text.split(separator))
        different = set(pieces) - {""}
        whole = {text for text in values if separator not in text}
        is_short = different and max(map(len, different)) <= MAX_CODE
        if not is_short or len(different) > MAX_CODES:
            continue
        # A piece comes again in another cell, or stands alone in one; else it is punctuation.
        again = sum(pieces[piece] > 1 or piece in whole for piece in different)
        if again >= (0.9 if separator == "," else 0.5) * len(different):
            return separator
    return None
