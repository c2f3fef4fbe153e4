"""A small invented register. The codes have the form of ODS codes but are none of them (checked
against the national list of about 2022 on 2026-11-22); the names are made up."""

import csv
from datetime import date
from typing import TextIO

from schemas.submission import Organisation

_REGIONS = (
    ("QZ1", "North Fells"),
    ("QZ2", "Middle Vale"),
    ("QZ3", "South Downs and Marsh"),
)
_PLACES = (
    "Northmoor",
    "Ashcombe",
    "Calder Bay",
    "Drayford",
    "Elmsworth",
    "Fenbridge",
    "Greywater",
    "Harrowby Dale",
    "Ilverton",
    "Kestrel Hill",
    "Larkmere",
    "Millbeck",
    "Netherby",
    "Oakhanger",
    "Pendle Cross",
    "Quarrington",
    "Ravenshaw",
    "Saltmarsh",
    "Thornleigh",
    "Upper Wending",
    "Venn Valley",
    "Westerbrook",
    "Yarrowdale",
    "Aldermoor",
    "Brightling",
    "Coldharbour",
    "Dunmere",
    "Eastholme",
    "Farthing",
    "Gosling Green",
)
_TRUST_KINDS = (
    "University Hospitals NHS Foundation Trust",
    "Hospitals NHS Trust",
    "Mental Health NHS Foundation Trust",
    "Community Health NHS Trust",
)
_TRUST_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXY0123456"
_CLOSED_ON = date(2024, 4, 1)
COLUMNS = ("code", "name", "opened", "closed", "successor", "icb", "region")


def make_register() -> list[Organisation]:
    """30 trusts (the first has three sites, the rest one), four general practices, four
    pharmacies, a care home, an ambulance service, and two that have closed, one of them with a
    successor."""
    register = []
    for number, (place, letter) in enumerate(zip(_PLACES, _TRUST_LETTERS, strict=True)):
        trust = _organisation(f"RZ{letter}", f"{place} {_TRUST_KINDS[number % 4]}", number)
        sites = ("General Hospital", "Infirmary", "Cottage Hospital")[: 3 if number == 0 else 1]
        register.append(trust)
        register += [
            _organisation(f"{trust.code}{site:02d}", f"{place} {name}", number)
            for site, name in enumerate(sites, start=1)
        ]
    for number in range(4):
        # As of real ones, many of which are called just that, two have the same name.
        name = f"{_PLACES[number]} Surgery" if number < 2 else "The Surgery"
        register.append(_organisation(f"Z9900{number + 1}", name, number))
        register.append(
            _organisation(f"FZ9{number + 1:02d}", f"{_PLACES[number + 4]} Pharmacy", number)
        )
    register.append(_organisation("VZZ01", "The Larches Care Home", 1))
    register.append(_organisation("RZ7", "Middle Vale Ambulance Service NHS Trust", 1))
    register.append(
        _organisation("RZ8", "Old Northmoor Hospitals NHS Trust", 0, _CLOSED_ON, successor="RZA")
    )
    register.append(_organisation("RZ9", "Former Saltmarsh Community NHS Trust", 2, _CLOSED_ON))
    return register


def _organisation(
    code: str,
    name: str,
    number: int,
    closed: date | None = None,
    *,
    successor: str | None = None,
) -> Organisation:
    icb, region = _REGIONS[number % 3]
    opened = date(2010 + number % 9, 4, 1)
    return Organisation(code, name, opened, closed, successor, icb, region)


def write_register(stream: TextIO) -> None:
    """As ``lrms-gateway organisation load`` reads it."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in make_register():
        writer.writerow([getattr(one, column) or "" for column in COLUMNS])
