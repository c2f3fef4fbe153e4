"""The command that plays the conformance kit against a server."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from gateway.cli.options import print_table
from gateway.exit_codes import ExitCode
from schemas.errors import WrongUseError
from schemas.taxonomy import TAXONOMY_VERSIONS
from schemas.values import plain

if TYPE_CHECKING:
    from gateway.conformance.report_model import CaseResult, GroupResult, Report
    from gateway.conformance.target import Key, Target

KEY_VARIABLE = "LRMS_CONFORMANCE_KEY"
_GROUPS = "wire, updates, once, real-clients, rejections, headers, feeds, hostile"
# What a terminal shows; the report has everything.
_MOST_CASES = 20
_MOST_FAULTS = 3


def conformance(  # noqa: PLR0913, PLR0917 - an option each
    base: Annotated[str, typer.Option(metavar="URL", help="The server's base address.")],
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Holds the subscription key; without it, the variable {KEY_VARIABLE} does.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="GROUP", help=f"Repeat for more: {_GROUPS}.")
    ] = None,
    contract: Annotated[
        Literal["gateway", "national"],
        typer.Option(help="national: leave out what only this gateway offers."),
    ] = "gateway",
    organisation: Annotated[
        str, typer.Option(metavar="ODS", help="One that the key may submit for.")
    ] = "RZA",
    not_granted: Annotated[
        str | None,
        typer.Option(metavar="ODS", help="One that it may not submit for. [default: RZB]"),
    ] = None,
    version: Annotated[
        list[str] | None,
        typer.Option(metavar="4|5|6", help="A taxonomy version to play; repeat for more."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the report as one HTML file.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the report as JSON.")
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificates that the server's is checked by."),
    ] = None,
    insecure_local: Annotated[
        bool,
        typer.Option(
            "--insecure-local",
            help="The server is on this machine or in a private network: http will do, and a"
            " certificate that nobody signed.",
        ),
    ] = False,
) -> None:
    """Play the conformance kit against a server that speaks the national wire contract: this
    gateway, a stub, or another. It makes events there: use a test system.

    Exit codes: 0 all passed, 3 some failed, 2 wrong use, 1 the server cannot be reached."""
    from gateway.conformance.target import Target, parse_base  # noqa: PLC0415 - brings requests

    for path in (html, json):
        if path is not None and not path.absolute().parent.is_dir():
            raise WrongUseError(f"{path.absolute().parent}: no such folder")
    target = Target(
        base=parse_base(base, is_local=insecure_local),
        key=_read_key(key_file),
        organisation=organisation,
        not_granted=not_granted or ("RZA" if organisation == "RZB" else "RZB"),
        contract=contract,
        versions=_check_versions(version),
        verify=_find_verification(ca_file, insecure_local=insecure_local),
    )
    report = _play(target, tuple(only or ()))
    _write(report, html, json)
    _tell(report)
    if report.counts.failed:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _check_versions(given: list[str] | None) -> tuple[str, ...]:
    for one in given or ():
        if one not in TAXONOMY_VERSIONS:
            raise WrongUseError(f"--version {one}: one of {', '.join(TAXONOMY_VERSIONS)}")
    return tuple(given or TAXONOMY_VERSIONS)


def _find_verification(ca_file: Path | None, *, insecure_local: bool) -> bool | str:
    if ca_file is not None and not ca_file.is_file():
        raise WrongUseError(f"{ca_file}: no such file")
    return str(ca_file) if ca_file is not None else not insecure_local


def _play(target: "Target", names: tuple[str, ...]) -> "Report":
    from gateway.conformance.read_cases import read_groups  # noqa: PLC0415 - as above
    from gateway.conformance.run import run_kit  # noqa: PLC0415

    return run_kit(
        target,
        read_groups(names),
        run=secrets.token_hex(4).upper(),
        started_at=datetime.now(UTC),
        told=_tell_group,
    )


def _read_key(key_file: Path | None) -> "Key":
    """Never from an option: the command line of a process can be read by every user."""
    from gateway.conformance.target import Key  # noqa: PLC0415 - as above

    if key_file is None:
        text = os.environ.get(KEY_VARIABLE, "")
        if not text.strip():
            raise WrongUseError(f"no key: give --key-file, or set {KEY_VARIABLE}")
        return Key(text)
    if not key_file.is_file():
        raise WrongUseError(f"{key_file}: no such file")
    return Key(key_file.read_text(encoding="utf-8"))


def _write(report: "Report", html: Path | None, json: Path | None) -> None:
    from gateway.conformance.report_html import write_html  # noqa: PLC0415 - as above

    if html is not None:
        html.write_text(write_html(report), encoding="utf-8")
        typer.echo(f"report written to {html}", err=True)
    if json is not None:
        text = msgspec.json.format(msgspec.json.encode(report), indent=2)
        json.write_bytes(text + b"\n")
        typer.echo(f"report written to {json}", err=True)


def _tell_group(group: "GroupResult") -> None:
    counts = group.counts
    typer.echo(f"{group.name}: {counts.passed} of {counts.passed + counts.failed} passed", err=True)


def _tell(report: "Report") -> None:
    from gateway.conformance.report_html import word_counts  # noqa: PLC0415 - as above

    rows = [
        [group.name, *map(str, (counts.passed, counts.failed, counts.not_applicable))]
        for group in report.groups
        for counts in [group.counts]
    ]
    print_table(["group", "passed", "failed", "not applicable"], rows)
    for case in report.failed[:_MOST_CASES]:
        typer.echo(f"\n{case.name} failed. {case.says}")
        _tell_faults(case)
    if len(report.failed) > _MOST_CASES:
        typer.echo(f"\n… {len(report.failed) - _MOST_CASES} more: see --html")
    typer.echo(f"\n{word_counts(report.counts)}")


def _tell_faults(case: "CaseResult") -> None:
    if case.reason:
        typer.echo(f"  {case.reason}")
    faults = [(step.sent, fault) for step in case.steps for fault in step.faults]
    for sent, fault in faults[:_MOST_FAULTS]:
        where = plain(f"{sent.method} {sent.path}")
        typer.echo(f"  {where}: {fault.what}: expected {fault.expected}; came {fault.came}")
    if len(faults) > _MOST_FAULTS:
        typer.echo(f"  … {len(faults) - _MOST_FAULTS} more: the report has them")
    typer.echo(f"  to do: {case.to_do}")
