"""What the kit plays, as data: groups of cases, their steps, and what must come back.

A word that a file misspells is refused, never overlooked.
"""

from typing import Any, Literal

import msgspec

# Whose rule a case holds a server to.
Contract = Literal["national", "gateway", "any"]
CONTRACTS: dict[Contract, str] = {
    "national": "the national wire contract",
    "gateway": "the interface of this gateway",
    "any": "what any server has to do",
}
# A whole number, or a class of them as in "4xx".
Status = int | str


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent: ``event`` (a file in cases/events, with edits by JSON pointer), ``json``,
    ``text``, ``made`` (a maker in hostile_bodies) of an event, or a feed of ``lines`` or
    ``entries``."""

    event: str = ""
    set: dict[str, Any] = {}
    remove: list[str] = []
    append: dict[str, Any] = {}
    json: Any = None
    text: str | None = None
    made: str = ""
    lines: list["Body"] = []
    entries: list["Body"] = []
    parameters: bool = False
    gzip: bool = False
    media_type: str = "application/fhir+json"


class ExpectedFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issue of the OperationOutcome; ``at`` is the JSON pointer of its place."""

    code: str
    at: str = ""
    severity: str = "error"


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must come. ``headers``, ``json``: by name or place, the value or a test of it (see
    ``matching``). ``headers_when``: only on answers of that status. ``somewhere``: patterns of
    which each fits some text in the document. ``same_as``: an earlier step, whose status and body
    these are. Of several answers: ``one`` names the places where all agree, ``times`` how often a
    status comes. ``clean``: nothing of the server's inside is shown, nor the event. ``or_closed``:
    ending the connection without an answer will do as well."""

    status: list[Status]
    media_type: list[str] = []
    headers: dict[str, Any] = {}
    headers_when: dict[int, dict[str, Any]] = {}
    json: dict[str, Any] = {}
    somewhere: list[str] = []
    findings: list[ExpectedFinding] = []
    same_as: str = ""
    one: list[str] = []
    times: dict[int, int] = {}
    clean: bool = False
    or_closed: bool = False


class Raw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Written to a socket as it stands, because no client would send it. ``target``: instead of
    the path; ``lines``: more lines of the head; ``content_length``: what is claimed; ``drip``:
    seconds over which the body comes byte by byte; ``breaks_off``: no more is sent after the
    body."""

    target: str = ""
    lines: list[str] = []
    content_length: int | None = None
    drip: float = 0
    breaks_off: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request, or ``at_once`` equal ones side by side. ``key``: the caller's, none, or one
    that nobody has. ``within``: seconds in which a 202 is asked again. ``keep``: names for what
    later steps use, each ``json PLACE`` or ``header NAME``."""

    send: str
    expect: Expect
    name: str = ""
    key: Literal["own", "none", "wrong"] = "own"
    headers: dict[str, str] = {}
    body: Body | None = None
    raw: Raw | None = None
    at_once: int = 1
    within: float = 0
    keep: dict[str, str] = {}

    @property
    def method(self) -> str:
        return self.send.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.send.partition(" ")[2]


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``says`` is the rule as a sentence; ``to_do`` what helps where a server breaks it;
    ``version`` the taxonomy version it is about; ``needs`` a route that not every server has;
    ``beside``: played while the others of its group are, because it has to wait."""

    name: str
    says: str
    of: Contract
    to_do: str
    steps: list[Step]
    version: str = ""
    needs: str = ""
    beside: bool = False


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of cases. ``after``: steps played behind each of them."""

    name: str
    title: str
    says: str
    cases: list[Case]
    after: list[Step] = []
