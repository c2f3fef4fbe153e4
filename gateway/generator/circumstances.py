"""The circumstances of a synthetic event: when, where, who reported it, what was notified."""

from collections.abc import Sequence

from gateway.generator.draw import Draw
from gateway.generator.kinds import Kind
from schemas.event import Group

_ROLES = ("5", "5", "5", "4", "3", "1", "2", "6")
_INVOLVEMENTS = ("1", "2", "2", "3", "4", "4", "5")
WORRIES = ("1", "1", "3", "3", "3", "4", "5")
DETECTION_POINTS = ("3", "4", "4", "4", "6", "7")
_PLACES = ("4", "4", "4", "4", "2", "3", "5", "9")
_SPECIAL_PLACES = {"4": "10", "17": "11", "9": "12", "12": "3", "3": "6", "8": "7", "7": "2"}
_PLACES_4 = frozenset("123456789")


def make_time(draw: Draw, days: Sequence[str]) -> tuple[str | None, Group]:
    day = draw.number(0, 364)
    event_date: str | None = days[day]
    roll = draw.number(1, 100)
    times: Group = {"IncidentOccurredToday": "n"}
    if roll <= 40:
        times = {"IncidentOccurredToday": "y", "TodaysDate": days[day]}
    elif roll <= 70:
        times["TodaysDate"] = days[max(0, day - draw.number(1, 9))]
    elif roll > 96:
        times = {"IncidentOccurredToday": "u", "ApproximateDate": days[day][:7]}
        event_date = None
    if event_date is None:
        return event_date, times
    roll = draw.number(1, 100)
    if roll <= 50:
        quarter = draw.number(0, 95)
        times["PreciseTime"] = f"{quarter // 4:02d}:{quarter % 4 * 15:02d}:00"
    elif roll <= 90:
        times["EstimatedTime"] = str(draw.number(1, 6))
    return event_date, times


def make_location(
    draw: Draw, version: str, where: str, area: str, specialties: Sequence[str]
) -> Group:
    place = _SPECIAL_PLACES.get(area) or draw.pick(_PLACES)
    if version == "4" and place not in _PLACES_4:
        place = "5"
    location: Group = {
        "LocationKnown": "y",
        "Organisation": [where],
        "ServiceArea": [area],
        "LocationWithinService": place,
    }
    if specialties:
        location["ResponsibleSpecialty"] = draw.pick(specialties)
    return location


def make_reporter(draw: Draw, organisation: str) -> Group:
    return {
        "ReporterType": "3",
        "ReporterRole": draw.pick(_ROLES),
        "ReporterInvolvement": draw.pick(_INVOLVEMENTS),
        "ReporterOrganisation": organisation,
    }


def make_governance(draw: Draw, kind: Kind, *, harmed: bool) -> Group:
    notify = harmed and draw.chance(0.3)
    governance: Group = {
        "DutyOfCandour": harmed,
        "CqcNotify": notify,
        "LocalAuthoritySafeguarding": draw.chance(0.03),
        "SeriousIncident": harmed and draw.chance(0.2),
        "HsibNotify": kind.maternity and harmed,
        "DeprivationOfLiberty": draw.chance(0.02),
        "DesignationsMentalHealth": "4" in kind.service_areas and draw.chance(0.2),
        "NeverEvent": False,
    }
    if notify:
        governance["CqcCriteria"] = ["2"]
    if kind.never_events and draw.chance(0.04):
        governance["NeverEvent"] = True
        governance["NeverEventType"] = draw.pick(kind.never_events)
    return governance
