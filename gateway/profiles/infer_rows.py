"""CSV: whether rows with the same id are one record."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd  # type: ignore[import-untyped]

from gateway.profiles.infer_dates import find_date_form
from gateway.profiles.infer_model import Column, Rows
from gateway.profiles.infer_names import guess_by_name
from gateway.profiles.infer_words import cut_into_words

Content = Mapping[str, Any]
# Share of rows whose id was there before, from which on that is how the feed is made.
_ENOUGH_ROWS: Final = 0.1
_SAME: Final = 0.9
_FEWEST: Final = 5
_CHANGED: Final = frozenset({"modified", "updated", "amended", "changed", "revised", "edited"})


def find_rows(records: Sequence[Content], columns: Sequence[Column], version: str) -> Rows | None:
    """CSV: whether rows with the same id are one record, and which columns differ in them."""
    total = len(records)
    if total < _FEWEST:
        return None
    best: Rows | None = None
    best_score = 0.0
    for place, column in enumerate(columns):
        field = column.field
        is_id = field.filled >= 1 and field.kind in ("integer", "code", "text", "ods code")
        if not is_id or not 1 < field.different <= (1 - _ENOUGH_ROWS) * total:
            continue
        by_name = guess_by_name(field.name, version).get("local_id", 0)
        if by_name < 0.4 and place:
            continue
        agree, differing = _compare_rows(records, field.name)
        score = agree + by_name / 2
        if agree >= _SAME * 0.5 and field.different > 0.2 * total and score > best_score:
            best_score = score
            best = Rows(id=field.name, records=field.different, differing=differing)
    if best is not None:
        _find_newest(records, best)
    return best


def _compare_rows(records: Sequence[Content], name: str) -> tuple[float, list[str]]:
    """The share of columns, of those that say anything, which rows of one id agree on; and the
    others."""
    plain = [
        {one: "\0".join(text) if isinstance(text, list) else text for one, text in record.items()}
        for record in records
    ]
    frame = pd.DataFrame.from_records(plain)
    repeated = frame[frame.duplicated(name, keep=False)]
    if repeated.empty:
        return 0, []
    others = [one for one in frame.columns if one != name and frame[one].nunique() > 1]
    if not others:
        return 0, []
    different = repeated.groupby(name, sort=False)[others].nunique(dropna=False)
    same = (different <= 1).mean()
    differing = [one for one in others if same[one] < _SAME]
    return 1 - len(differing) / len(others), differing


def _find_newest(records: Sequence[Content], rows: Rows) -> None:
    """Rows that are versions of one another: what differs is, among others, when it was changed."""
    for name in rows.differing:
        if not _CHANGED & set(cut_into_words(name)):
            continue
        texts = [str(record[name]) for record in records if name in record]
        for separator in (None, ";", "|", ","):
            pieces = {
                piece.strip(): 1
                for text in texts
                for piece in (text.split(separator) if separator else [text])
                if piece.strip()
            }
            form = find_date_form(pieces)
            if form and form.kind == "date":
                rows.by, rows.separator, rows.formats = name, separator, form.formats
                return
