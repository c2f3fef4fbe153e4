"""What is asked for on the command line, of records that were not loaded."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from schemas.errors import WrongUseError
from schemas.statuses import UNLOADED


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them; what is left out does not count."""

    batch: Annotated[str | None, typer.Argument(metavar="[BATCH]")] = None
    source: Annotated[str | None, typer.Option(metavar="ID", help="Of this source.")] = None
    organisation: Annotated[str | None, typer.Option(metavar="CODE", help="Of its sources.")] = None
    code: Annotated[
        str | None, typer.Option(metavar="CODE", help="With this finding, as RULE-010.")
    ] = None
    fault: Annotated[
        str | None, typer.Option(metavar="ID", help="Quarantined by this fault, f-….")
    ] = None
    disposition: Annotated[
        str | None, typer.Option(help="Only these: rejected or quarantined.")
    ] = None
    since: Annotated[datetime | None, typer.Option(help="Received then or later, UTC.")] = None
    until: Annotated[datetime | None, typer.Option(help="Received before, UTC.")] = None


def read_terms(terms: Terms) -> dict[str, Any]:
    if terms.disposition is not None and terms.disposition not in UNLOADED:
        raise WrongUseError(f"disposition {terms.disposition!r}: one of {', '.join(UNLOADED)}")
    return {
        "batch_id": terms.batch,
        "source_id": terms.source,
        "organisation": terms.organisation,
        "code": terms.code,
        "fault_id": terms.fault,
        "disposition": terms.disposition,
        "since": terms.since and terms.since.replace(tzinfo=UTC),
        "until": terms.until and terms.until.replace(tzinfo=UTC),
    }


def read_state(state: str) -> Any:
    if state not in ("open", "settled", "all"):
        raise WrongUseError(f"state {state!r}: one of open, settled, all")
    return None if state == "all" else state


def read_place(after: str | None) -> tuple[str, int] | None:
    if after is None:
        return None
    batch, _, number = after.partition(":")
    if not number.isdecimal():
        raise WrongUseError(f"--after {after!r}: a batch and a record, as b-7k2m9qxb4t8d:12")
    return batch, int(number)


def read_fields(fields: list[str]) -> dict[str, str]:
    pairs = [field.partition("=") for field in fields]
    if not all(mark for _, mark, _ in pairs):
        raise WrongUseError("--set takes COLUMN=TEXT")
    return {name: text for name, _, text in pairs}
