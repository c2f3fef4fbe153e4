"""What happened, before a legacy system wrote it down: the synthetic incidents that the samples of
NRLS and StEIS feeds are made of. The sentences are the generator's."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

from gateway.generator.draw import Draw
from gateway.generator.kinds import load_kinds
from gateway.generator.narratives import tell_incident

_PLACES = ("Ward 7", "Bay 4, bed 3", "Side room 2", "Corridor outside theatre 1", "Bathroom", "")


class LegacyIncident(msgspec.Struct, frozen=True):
    """``age`` in years, of newborns in fractions; ``harm`` as NRLS grades it, 1 none to 5 death;
    ``reported`` days after the incident."""

    number: int
    kind: str
    narrative: str
    action: str
    found: str
    place: str
    day: date
    minute: int
    age: float
    sex: str
    harm: int
    drug: str
    never_event: str
    reported: int


def make_incidents(count: int, *, seed: int, until: date) -> Iterator[LegacyIncident]:
    """The days go back two years from ``until``."""
    kinds = load_kinds("5")
    draw = Draw(seed)
    for number in range(1, count + 1):
        draw.restart(number)
        kind = draw.weighted(kinds.kinds, kinds.cumulated)
        case = draw.number(0, len(kind.what) - 1)
        drug = draw.pick(kind.drugs) if kind.drugs else ""
        newborn = kind.maternity and draw.chance(0.5)
        yield LegacyIncident(
            number=number,
            kind=kind.name,
            narrative=tell_incident(draw, kind, kinds, case, drug),
            action=draw.pick(kinds.shared["actions"]),
            found=draw.pick(kinds.shared["problems"]),
            place=draw.pick(_PLACES),
            day=until - timedelta(days=draw.number(0, 730)),
            minute=draw.number(0, 287) * 5,
            age=draw.number(0, 28) / 365 if newborn else _draw_age(draw, female=kind.maternity),
            sex="F" if kind.maternity and not newborn else draw.pick("FM"),
            harm=draw.weighted((1, 2, 3, 4, 5), (70.0, 94.0, 98.5, 99.5, 100.0)),
            drug=drug,
            never_event=draw.pick(kind.never_events) if kind.never_events else "",
            reported=draw.number(0, 9),
        )


def _draw_age(draw: Draw, *, female: bool) -> float:
    if female:
        return draw.number(18, 44)
    years = max(draw.number(0, 95), draw.number(0, 95))
    return years or draw.number(1, 11) / 12


def write_files(files: dict[Path, bytes]) -> None:
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{path}: {len(content):,} bytes")
