"""What can be wrong with a generated record on purpose: an explicit list of faults, each of which
breaks one rule of the national schema."""

from collections.abc import Callable, Sequence

import msgspec

from gateway.generator.draw import Draw
from schemas.event import INCIDENT, PATIENTS, RISK, Group, NationalEvent, Value

Change = Callable[[NationalEvent, Draw], NationalEvent]


class Fault(msgspec.Struct, frozen=True):
    """``rejected``: the record is refused for it; otherwise it is accepted with a warning."""

    name: str
    change: Change
    rejected: bool = True
    versions: str = "456"
    event_types: str = "1234"


def _with_group(event: NationalEvent, name: str, *without: str, **elements: Value) -> NationalEvent:
    group = {key: value for key, value in event.group(name).items() if key not in without}
    return msgspec.structs.replace(event, groups={**event.groups, name: group | elements})


def _with_patient(event: NationalEvent, *without: str, **elements: Value) -> NationalEvent:
    """The first patient changed; there is one afterwards, whether or not there was one before."""
    patients: list[Group] = event.patients or [{"PatientSequence": 1}]
    first = {key: value for key, value in patients[0].items() if key not in without}
    groups = {**event.groups, PATIENTS: [first | elements, *patients[1:]]}
    return msgspec.structs.replace(event, groups=groups)


def _without_group(event: NationalEvent, name: str) -> NationalEvent:
    groups = {key: group for key, group in event.groups.items() if key != name}
    return msgspec.structs.replace(event, groups=groups)


def _unknown_code(event: NationalEvent, draw: Draw) -> NationalEvent:
    return _with_group(event, "LocationDetails", ServiceArea=[draw.pick(("99", "0", "1a"))])


def _unknown_type(event: NationalEvent, draw: Draw) -> NationalEvent:
    return msgspec.structs.replace(event, event_type=draw.pick(("5", "9")))


def _missing_narrative(event: NationalEvent, _: Draw) -> NationalEvent:
    if event.event_type == RISK:
        event = _with_group(event, "AdverseEventRiskDetails", "RiskDescription")
    return msgspec.structs.replace(event, narrative=None)


def _short_narrative(event: NationalEvent, draw: Draw) -> NationalEvent:
    return msgspec.structs.replace(event, narrative=draw.pick(("Fall.", "See file", "As above")))


def _on_day(event: NationalEvent, day: str) -> NationalEvent:
    dated = msgspec.structs.replace(event, event_date=day)
    name = "AdverseEventEstimatedDate"
    return _with_group(dated, name, "TodaysDate", "ApproximateDate", IncidentOccurredToday="n")


def _future_date(event: NationalEvent, draw: Draw) -> NationalEvent:
    return _on_day(event, f"20{draw.number(90, 99)}-01-{draw.number(10, 28)}")


def _ancient_date(event: NationalEvent, draw: Draw) -> NationalEvent:
    return _on_day(event, draw.pick(("1900-01-01", "1026-05-14", "1948-07-04")))


def _missing_date(event: NationalEvent, _: Draw) -> NationalEvent:
    undated = msgspec.structs.replace(event, event_date=None)
    name = "AdverseEventEstimatedDate"
    return _with_group(undated, name, "TodaysDate", "ApproximateDate", IncidentOccurredToday="n")


def _time_twice(event: NationalEvent, _: Draw) -> NationalEvent:
    name = "AdverseEventEstimatedDate"
    return _with_group(event, name, PreciseTime="10:30:00", EstimatedTime="1")


def _age_names(event: NationalEvent) -> tuple[str, str]:
    if event.taxonomy_version == "4":
        return "AgeAtTimeOfIncident", "AgeYears"
    return "AgeAtTimeOfIncidentDays", "AgeBracket"


def _age_in_real_days(event: NationalEvent, draw: Draw) -> NationalEvent:
    exact, bracket = _age_names(event)
    return _with_patient(event, bracket, **{exact: draw.number(20, 90) * 365})


def _age_twice(event: NationalEvent, _: Draw) -> NationalEvent:
    exact, bracket = _age_names(event)
    ages: Group = {exact: 45 * 372, bracket: "9"}
    return _with_patient(event, **ages)


def _fatal_with_psychological(event: NationalEvent, draw: Draw) -> NationalEvent:
    harm = draw.pick(("1", "2", "3", "4"))
    return _with_patient(event, PhysicalHarm="1", PsychologicalHarm=harm)


def _patient_gap(event: NationalEvent, draw: Draw) -> NationalEvent:
    return _with_patient(event, PatientSequence=draw.number(5, 9))


def _unknown_organisation(event: NationalEvent, draw: Draw) -> NationalEvent:
    return _with_group(event, "LocationDetails", Organisation=[draw.pick(("XX999", "QQQ"))])


def _other_without_text(event: NationalEvent, _: Draw) -> NationalEvent:
    return _with_group(event, "PractitionerDetails", "ReporterRoleOther", ReporterRole="9")


def _place_not_named(event: NationalEvent, _: Draw) -> NationalEvent:
    return _with_group(event, "LocationDetails", "Organisation", LocationKnown="n")


def _missing_location(event: NationalEvent, _: Draw) -> NationalEvent:
    return _without_group(event, "LocationDetails")


def _missing_agents(event: NationalEvent, _: Draw) -> NationalEvent:
    return _without_group(event, "AdverseEventAgent")


def _never_event_type_alone(event: NationalEvent, draw: Draw) -> NationalEvent:
    kind = str(draw.number(1, 15))
    return _with_group(event, "AdverseEventGovernance", NeverEvent=False, NeverEventType=kind)


FAULTS: Sequence[Fault] = (
    Fault("unknown code", _unknown_code),
    Fault("unknown event type", _unknown_type),
    Fault("missing narrative", _missing_narrative, event_types=INCIDENT + RISK),
    Fault("short narrative", _short_narrative),
    Fault("date in the future", _future_date),
    Fault("date before 1948", _ancient_date),
    Fault("missing date", _missing_date),
    Fault("precise and estimated time", _time_twice),
    Fault("age in days of 365 a year", _age_in_real_days, rejected=False, versions="56"),
    Fault("exact age and bracket", _age_twice),
    Fault("fatal with psychological harm", _fatal_with_psychological),
    Fault("gap in patient sequence", _patient_gap),
    Fault("unknown organisation", _unknown_organisation),
    Fault("other without its text", _other_without_text),
    Fault("place not named", _place_not_named),
    Fault("missing required group", _missing_location),
    Fault("missing agents", _missing_agents, event_types=INCIDENT),
    Fault("never event type without flag", _never_event_type_alone, versions="56"),
)


def pick_fault(event: NationalEvent, draw: Draw) -> Fault:
    """One that this event can have."""
    return draw.pick(
        [
            fault
            for fault in FAULTS
            if event.taxonomy_version in fault.versions and event.event_type in fault.event_types
        ]
    )
