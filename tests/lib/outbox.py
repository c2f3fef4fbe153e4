"""A gateway with organisations, an admin user and events with alerts, and a clock to move."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Row, create_engine, text

from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.notifications.policy import decide_alerts
from schemas.event import NationalEvent, encode_event, hash_content
from schemas.judged import Acceptance, JudgedRecord
from schemas.submission import Source
from store.engine import open_store
from tests.lib.events import REGISTER, TRUST, make_event, make_patient

# A Sunday, 09:30 in London as well.
MORNING = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ADMIN = "admin@rza.example"
LEADS = "leads@national.example"
SOURCE = "outbox-test"


class Clock:
    def __init__(self, at: datetime = MORNING) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def make_settings(home: Path, url: str = "", **settings: object) -> Settings:
    values = {"national_leads": LEADS, "console_url": "https://console.example", **settings}
    return Settings(home=home, database_url=url, **values)


@contextmanager
def open_outbox(
    home: Path, url: str = "", *, clock: Clock | None = None, **settings: object
) -> Iterator[Gateway]:
    """The gateway of a new or used home folder. The first time it registers a source and, for
    TRUST alone, an admin user."""
    config = make_settings(home, url, **settings)
    store = open_store(config.database)
    store.migrate()
    store.close()
    with open_gateway(config, now=clock or Clock(), actor="test") as gateway:
        with gateway.store.read() as work:
            is_new = not work.sources.find_all()
        if is_new:
            with gateway.store.begin(actor="test", at=gateway.now()) as work:
                work.organisations.add_many(REGISTER.values())
                work.sources.add(Source(id=SOURCE, organisation=TRUST, format="fhir"))
                work.users.add(ADMIN, TRUST, "admin")
        yield gateway


def add_admin(gateway: Gateway, email: str, organisation: str) -> None:
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.users.add(email, organisation, "admin")


def make_harmed(grade: str, *, where: Sequence[str] = (TRUST,), text: str = "") -> NationalEvent:
    """An incident with this physical harm; grade 1 or 2 makes its alerts urgent."""
    patient = make_patient(PhysicalHarm=grade, PsychologicalHarm=None)
    event = make_event(PatientInformation=[patient])
    location = {**event.group("LocationDetails"), "Organisation": sorted(where)}
    return msgspec.structs.replace(
        event,
        groups={**event.groups, "LocationDetails": location},
        narrative=f"{event.narrative} {text}".strip(),
    )


def load_events(gateway: Gateway, events: Sequence[NationalEvent], *, batch: str = "one") -> None:
    """Loads them as a batch of that name, recorded by TRUST."""
    sha256 = hashlib.sha256(batch.encode()).hexdigest()
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        stored, _ = work.batches.add(
            id=f"b-{sha256[:12]}",
            source_id=SOURCE,
            sha256=sha256,
            size=1,
            filename="feed",
            route="file",
        )
        work.records.load(stored, [_judge(n, one, batch) for n, one in enumerate(events, 1)])


def _judge(number: int, event: NationalEvent, batch: str) -> JudgedRecord:
    payload = encode_event(event)
    acceptance = Acceptance(
        event, payload, hash_content(payload), alerts=decide_alerts(event, TRUST)
    )
    local_id = f"{batch}-{number}"
    raw_hash = hashlib.sha256(local_id.encode()).digest()
    return JudgedRecord(number, f"line {number}", local_id, raw_hash, acceptance)


def query(gateway: Gateway, statement: str) -> list[Row[tuple[object, ...]]]:
    """What the database holds, looked at from outside."""
    engine = create_engine(_driver(gateway.settings.database))
    try:
        with engine.connect() as connection:
            return list(connection.execute(text(statement)))
    finally:
        engine.dispose()


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
