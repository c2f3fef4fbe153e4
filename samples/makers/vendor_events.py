"""What the samples of vendors' exports are made from: the generator's national events, and the
words that a local system has for national codes."""

import csv
import io
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from importlib.resources import files

from gateway.generator.draw import Draw
from gateway.generator.events import EventMaker, Setting
from gateway.generator.narratives import make_nhs_number
from gateway.generator.organisations import make_register
from gateway.generator.patients import MONTH, YEAR
from schemas.event import Group, NationalEvent

TRUST = "RZA"


def make_events(
    version: str, *, seed: int, count: int, types: Collection[str]
) -> list[NationalEvent]:
    """Events of one trust, some of which happened elsewhere; of these types, and with a date."""
    setting = Setting(
        version=version,
        seed=seed,
        organisations=(TRUST,),
        register=make_register(),
        elsewhere=0.05,
        identifiers=0.02,
    )
    maker = EventMaker(setting)
    found: list[NationalEvent] = []
    number = 0
    while len(found) < count:
        number += 1
        event = maker.make(number)
        if event.event_type in types and event.event_date is not None:
            found.append(event)
    return found


class LocalWords:
    """The words of a code list for a national code; several may mean the same."""

    def __init__(self, profile: str, filename: str) -> None:
        path = files("mappers") / "profiles" / profile / filename
        self._words: dict[str, list[str]] = {}
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8"))):
            if row["national"]:
                self._words.setdefault(row["national"], []).append(row["theirs"])

    def pick(self, draw: Draw, code: object) -> str:
        """Empty where the local system has no word for it."""
        words = self._words.get(str(code))
        return draw.pick(words) if words else ""


def name_organisations() -> dict[str, str]:
    return {one.code: one.name for one in make_register()}


def find_age(patient: Group) -> tuple[int, str] | None:
    """From the national encoding: so many years, months or days."""
    given = patient.get("AgeAtTimeOfIncidentDays")
    if not isinstance(given, int):
        return None
    if given >= YEAR:
        return given // YEAR, "years"
    return (given // MONTH, "months") if given >= MONTH else (given, "days")


def find_birth(draw: Draw, on: date, age: tuple[int, str]) -> date:
    """A day of birth of somebody who is that old on the day."""
    number, unit = age
    if unit == "days":
        return on - timedelta(days=number)
    if unit == "months":
        # The middle of the month after: no month is so short that the day is not reached.
        return on - timedelta(days=int(number * 30.44) + 12)
    return on - timedelta(days=int(number * 365.25) + draw.number(20, 330))


def make_people(draw: Draw, kind: str) -> Iterator[dict[str, str]]:
    """Nobody: name, NHS number of the range that is never given out, address."""
    number = 0
    while True:
        number += 1
        yield {
            "name": f"Synthetic {kind} {number}",
            "nhs_number": make_nhs_number(draw),
            "address": f"{number} Example Street, ZZ99 3WZ",
        }
