"""Generated events and what validation says of them."""

from datetime import timedelta

from gateway.generator.events import UNTIL, EventMaker, Setting
from gateway.generator.organisations import make_register
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Source, Submission
from validation.organisations import resolve_organisations
from validation.validate import validate_event

REGISTER = make_register()
REPORTERS = ("RZA", "RZB")
SUBMISSION = Submission(
    Source(id="test", organisation="RZA", format="fhir", submits_for=frozenset(REPORTERS)),
    UNTIL + timedelta(days=1),
    {organisation.code: organisation for organisation in REGISTER},
)


def make_maker(version: str = "5", seed: int = 1, **setting: object) -> EventMaker:
    defaults = {"organisations": REPORTERS, "register": REGISTER, **setting}
    return EventMaker(Setting(version=version, seed=seed, **defaults))


def make_events(count: int, *, version: str = "5", **setting: object) -> list[NationalEvent]:
    maker = make_maker(version, **setting)
    return [maker.make(number) for number in range(1, count + 1)]


def judge(event: NationalEvent) -> list[Finding]:
    resolved, findings = resolve_organisations(event, SUBMISSION)
    return [*findings, *validate_event(resolved, SUBMISSION)]
