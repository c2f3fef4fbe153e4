"""What is asked for on the command line, of records that were not loaded."""

from datetime import UTC, datetime
from typing import Any

from schemas.errors import WrongUseError
from schemas.statuses import UNLOADED


def read_terms(  # noqa: PLR0913, PLR0917 - an option each
    batch: str | None,
    source: str | None,
    organisation: str | None,
    code: str | None,
    fault: str | None,
    disposition: str | None,
    since: datetime | None,
    until: datetime | None,
) -> dict[str, Any]:
    if disposition is not None and disposition not in UNLOADED:
        raise WrongUseError(f"disposition {disposition!r}: one of {', '.join(UNLOADED)}")
    return {
        "batch_id": batch,
        "source_id": source,
        "organisation": organisation,
        "code": code,
        "fault_id": fault,
        "disposition": disposition,
        "since": since and since.replace(tzinfo=UTC),
        "until": until and until.replace(tzinfo=UTC),
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
