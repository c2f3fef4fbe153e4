"""Bar charts as plain geometry; the template draws them as SVG, each beside a table with the same
figures."""

from collections.abc import Iterable
from typing import Final

import msgspec

WIDTH: Final = 720
_LABEL_WIDTH: Final = 260
_VALUE_WIDTH: Final = 90
_BAR: Final = 16
_STEP: Final = 24
_MOST_BARS: Final = 60
_LABEL_CHARACTERS: Final = 38
_MOST_TOLD: Final = 5


class Bar(msgspec.Struct, frozen=True):
    label: str
    value: str
    y: int
    width: float
    text_y: int
    value_x: float


class BarChart(msgspec.Struct, frozen=True):
    """``left_out``: bars that did not fit; the table has them."""

    id: str
    title: str
    description: str
    bars: list[Bar]
    height: int
    left_out: int
    width: int = WIDTH
    label_x: int = _LABEL_WIDTH - 8
    bar_x: int = _LABEL_WIDTH
    bar_height: int = _BAR


def make_bars(
    id: str,  # noqa: A002
    title: str,
    rows: Iterable[tuple[str, float, str]],
    *,
    most: float | None = None,
) -> BarChart:
    """``rows``: label, value, value as text. The longest bar is ``most``, or the greatest value."""
    given = list(rows)
    shown = given[:_MOST_BARS]
    full = most or max((value for _, value, _ in shown), default=1) or 1
    room = WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    bars = [
        _make_bar(place, label, text, room * min(value / full, 1))
        for place, (label, value, text) in enumerate(shown)
    ]
    told = "; ".join(f"{label} {text}" for label, _, text in shown[:_MOST_TOLD])
    more = f"; and {len(given) - _MOST_TOLD} more" if len(given) > _MOST_TOLD else ""
    description = f"Bars from the top: {told}{more}. The table below has every figure."
    return BarChart(
        id, title, description, bars, len(bars) * _STEP + 8, max(len(given) - _MOST_BARS, 0)
    )


def _make_bar(place: int, label: str, value: str, width: float) -> Bar:
    y = place * _STEP + 4
    if len(label) > _LABEL_CHARACTERS:
        # The end of a path tells more than its beginning.
        label = "…" + label[1 - _LABEL_CHARACTERS :]
    return Bar(label, value, y, round(width, 1), y + 13, round(_LABEL_WIDTH + width + 6, 1))
