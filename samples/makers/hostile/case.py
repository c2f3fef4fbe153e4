"""A hostile feed: its bytes, and what the gateway must make of it, written by hand beside it."""

from typing import Literal

import msgspec

Verdict = Literal["accepted", "partly_accepted", "rejected", "held"]


class Must(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``records`` are counted, so many of them ``rejected``. ``findings``: every code that is
    told, on the batch or on a record, each once, in order; identifiers found in free text
    (TEXT-003) aside."""

    verdict: Verdict
    records: int
    rejected: int
    findings: list[str]


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``case.json``. ``limits`` are settings such as ``max_columns``; without ``profile`` the
    source's format has its usual one."""

    why: str
    format: Literal["fhir", "csv", "xml", "json"]
    must: Must
    profile: str | None = None
    on_break: Literal["wait", "load"] = "wait"
    limits: dict[str, int] = {}


class Hostile(msgspec.Struct, frozen=True):
    """A case with its name, and its feed with the extension of its file."""

    name: str
    extension: str
    feed: bytes
    case: Case


def must(verdict: Verdict, records: int, rejected: int, *findings: str) -> Must:
    return Must(verdict, records, rejected, sorted(findings))
