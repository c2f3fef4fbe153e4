"""A vendor's client in a test: its time stands still but for what it sleeps, and a gateway that is
made of ``responses``."""

from typing import Any

from gateway.client import Clock, GatewayClient, Patience

BASE = "https://gateway.example"
EVENTS = f"{BASE}/adverse-event/fhir/AdverseEvent"
REFERENCE = "7K2M-9QXB-4T8D-V"
# Friday 15 January 2027, 08:00:00 GMT.
STARTED = 1_800_000_000.0
KEY = "k-0123456789"


class FakeTime:
    """``sleeps``: what was slept, in order."""

    def __init__(self) -> None:
        self.now = STARTED
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(sleep=self.sleep, now=lambda: self.now)


def make_client(time: FakeTime | None = None, **options: Any) -> GatewayClient:
    if "credentials" not in options:
        options.setdefault("key", KEY)
    options.setdefault("patience", Patience(attempts=4, total_seconds=100, longest_wait=30))
    return GatewayClient(BASE, clock=(time or FakeTime()).clock, **options)


def make_event(local_id: str | None = "LOC-1", **more: Any) -> dict[str, Any]:
    named = {"identifier": {"value": local_id}} if local_id else {}
    return {"resourceType": "AdverseEvent", **named, **more}


def make_stored(revision: int = 1, **meta: Any) -> dict[str, Any]:
    return make_event(id=REFERENCE, meta={"versionId": str(revision), **meta})


def make_outcome(*codes: str, severity: str = "error") -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": severity,
                "code": "business-rule",
                "details": {"coding": [{"code": code}], "text": f"{code} is broken"},
                "diagnostics": f"mend {code}",
                "expression": ["AdverseEvent.date"],
            }
            for code in codes
        ],
    }


def make_problem(status: int, code: str) -> dict[str, Any]:
    return {
        "type": f"urn:lrms-gateway:problem:{code}",
        "title": f"title of {code}",
        "status": status,
        "detail": f"what {code} needs",
        "code": code,
        "request_id": "r-1",
    }
