"""Puts narratives together from sentences: 200 to 700 characters, no names, nothing identifying,
unless identifiers are planted on purpose."""

from collections.abc import Sequence

from gateway.generator.draw import Draw
from gateway.generator.kinds import Kind, Kinds
from schemas.identifiers import is_nhs_number

_SHORTEST = 200
_LONGEST = 700


def tell_incident(draw: Draw, kind: Kind, kinds: Kinds, case: int, drug: str) -> str:
    """``case`` is the position of the sentence that says what happened."""
    shared = kinds.shared
    parts = [draw.pick(shared["setting"]), kind.what[case], draw.pick(kind.found)]
    first, second = draw.pick_two(shared["follow"])
    parts += [draw.pick(kind.action), first, second]
    return tell(draw, parts, shared, drug)


def tell(draw: Draw, parts: list[str], shared: dict[str, list[str]], drug: str = "") -> str:
    """The sentences as one text; closing sentences are added until it is long enough."""
    if draw.chance(0.5):
        parts.append(draw.pick(shared["closing"]))
    text = " ".join(parts)
    while len(text) < _SHORTEST:
        text = f"{text} {draw.pick(shared['follow'])} {draw.pick(shared['closing'])}"
    if "{" in text:
        text = text.format(
            ward=draw.pick(shared["wards"]),
            shift=draw.pick(shared["shifts"]),
            drug=drug,
            days=draw.number(2, 14),
            hours=draw.number(2, 12),
            minutes=draw.pick(("15", "30", "60")),
        )
    return text[0].upper() + text[1:_LONGEST]


def make_nhs_number(draw: Draw) -> str:
    """From the range 999, which is never given to a person; its check digit fits."""
    while True:
        digits = f"999{draw.number(0, 999_999):06d}"
        for check in "0123456789":
            if is_nhs_number(digits + check):
                return digits + check


_PLANTS: Sequence[str] = (
    " The NHS number is {nhs}.",
    " The sister can be reached at jane.example@nhs.example on weekdays.",
    " Please ring the daughter on 07700 900{digits}.",
    " The patient lives at ZZ99 3WZ and was taken home.",
    " Seen afterwards by Mrs Testpatient of the outreach team.",
)


def plant_identifier(draw: Draw, text: str) -> str:
    """The text with one synthetic identifier in it. The telephone number is from the range kept
    for drama (07700 900…), the postcode from those that stand for no place (ZZ99)."""
    return text + draw.pick(_PLANTS).format(
        nhs=make_nhs_number(draw),
        digits=f"{draw.number(0, 999):03d}",
    )
