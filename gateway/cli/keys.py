"""Commands about subscription keys."""

from datetime import datetime
from typing import Annotated

import typer

from gateway.cli.access import AnySource, Source
from gateway.cli.options import (
    AsJson,
    open_command_gateway,
    print_done,
    print_json,
    print_table,
)
from gateway.pipeline import credentials
from gateway.pipeline.judge import LONDON
from schemas.identity import Key

keys = typer.Typer(help="Subscription keys of sources.", no_args_is_help=True)


@keys.command("add")
def add_key(
    source_id: Source,
    label: Annotated[str, typer.Option(help="What tells it from the other one.")] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The last day on which it is good, Europe/London; until it is revoked, unless"
            " given.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: this once, as only its hash is kept. A source has two active keys
    at most: add the second, have the source change over, revoke the first."""
    with open_command_gateway() as gateway:
        made = credentials.add_key(
            gateway, source_id, label=label, expires_on=expires.date() if expires else None
        )
    found = {"source": source_id, "id": made.key.id, "key": made.secret}
    words = f"key {made.key.id} of {source_id}; it cannot be shown again:\n{made.secret}"
    print_done(found, words, as_json)


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEYID", help="As in k-….")],
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on."""
    with open_command_gateway() as gateway:
        key = credentials.revoke_key(gateway, key_id)
    print_done(key, f"key {key.id} of {key.source_id} is revoked", as_json)


@keys.command("list")
def list_keys(source_id: AnySource = None, as_json: AsJson = False) -> None:
    """List the keys, also expired and revoked ones; never the keys themselves."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        if source_id is not None:
            work.sources.get(source_id)
        found, now = work.keys.find_all(source_id), gateway.now()
    if as_json:
        print_json(found)
        return
    print_table(
        ["source", "key", "label", "made", "state"],
        [[key.source_id, key.id, key.label, f"{key.created_at:%Y-%m-%d}", _word_state(key, now)]
         for key in found],
    )  # fmt: skip


def _word_state(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "active"
    word = "active until" if key.is_active(now) else "expired"
    return f"{word} {key.expires_at.astimezone(LONDON):%Y-%m-%d %H:%M}"
