"""``lrms-gateway push``: sends a feed, or one event, to a gateway, as a vendor's system would."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.option_groups import takes
from gateway.cli.options import FeedFile, open_feed
from gateway.cli.push_access import Access, open_client
from gateway.cli.pushed import print_feed, print_issues, print_made, print_receipt
from gateway.exit_codes import ExitCode
from schemas.errors import GatewayError, WrongUseError

if TYPE_CHECKING:
    from gateway.client import Feed, GatewayClient

_FORMS = ("text", "json", "csv")


@takes(Access)
def push(  # noqa: PLR0913, PLR0917 - an option each
    access: Access,
    file: FeedFile,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what loading it would do.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until it is loaded, then print its receipt.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="text, json or csv.")] = "text",
    single: Annotated[
        bool, typer.Option("--single", help="FILE is one AdverseEvent, and is answered at once.")
    ] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait.")] = 3600,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Go on with a --single of unknown outcome.")
    ] = None,
    upload_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with a large feed that broke off.")
    ] = None,
) -> None:
    """Send a feed, or one event, to a gateway over HTTP. The same file again is loaded once."""
    _check_form(form, single=single)
    with open_feed(file) as (stream, name), open_client(access) as client:
        if single:
            code = _push_event(client, stream.read(), form, key=idempotency_key, dry_run=dry_run)
        else:
            feed = client.send_feed(stream, filename=name, dry_run=dry_run, upload_id=upload_id)
            if dry_run and not feed.dry_run:
                typer.echo(f"{feed.id} was sent to be loaded before: no dry run", err=True)
            code = _follow(client, feed, form, timeout) if wait else _leave(feed, form)
    raise typer.Exit(code)


def _check_form(form: str, *, single: bool) -> None:
    if form not in _FORMS:
        raise WrongUseError(f"format {form!r}: one of {', '.join(_FORMS)}")
    if single and form == "csv":
        raise WrongUseError("a single event is answered as text or json")


def _leave(feed: "Feed", form: str) -> ExitCode:
    print_feed(feed, form)
    return ExitCode.ALL_ACCEPTED


def _follow(client: "GatewayClient", feed: "Feed", form: str, timeout: float) -> ExitCode:
    print_feed(feed, "text", err=True)
    done = client.wait_for(feed.id, timeout=timeout)
    if done.state == "failed":
        raise GatewayError(f"{done.id}: the gateway failed over it; nothing is loaded")
    return print_receipt(client, done.id, form)


def _push_event(
    client: "GatewayClient", body: bytes, form: str, *, key: str | None, dry_run: bool
) -> ExitCode:
    from gateway.client import RejectedError  # noqa: PLC0415 - slow, and only push needs it

    try:
        if dry_run:
            issues = client.validate(body)
            print_issues(issues, form)
            is_rejected = any(one.is_error for one in issues)
            return ExitCode.SOME_REJECTED if is_rejected else ExitCode.ALL_ACCEPTED
        print_made(client.create(body, idempotency_key=key, prefer="OperationOutcome"), form)
    except RejectedError as error:
        print_issues(error.issues, form)
        typer.echo(str(error), err=True)
        return ExitCode.UNREADABLE if error.status == 400 else ExitCode.SOME_REJECTED
    return ExitCode.ALL_ACCEPTED
