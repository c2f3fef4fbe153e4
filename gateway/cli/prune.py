"""Prune what was kept long enough."""

from typing import Annotated

import typer

from gateway.cli.options import AsJson, open_command_gateway, print_done
from gateway.pipeline.prune import count_old_data, prune_old_data

_WORDS = {
    "bytes": "batches: raw files and bodies of requests",
    "unpacked": "batches: what was unpacked of them",
    "findings": "batches: what was found in single records",
    "edits": "edits: what they changed in records",
    "items": "items of watched folders and mailboxes",
    "trials": "dry runs",
    "messages": "mails that were sent",
    "reports": "reports of syncs",
    "refused": "refused items: their bytes",
    "alarms": "alarms that are closed",
    "feed_days": "counts of what came, by source and day",
    "files": "raw files deleted",
}


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be pruned, and prune nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Prune what was kept long enough by the settings LRMS_KEEP_…: bytes that were sent, unpacked
    files, findings, dry runs, mails, collected items, alarms. Events, their history and the audit
    log are never pruned, nor is anything of a batch that is not settled."""
    with open_command_gateway() as gateway:
        done = count_old_data(gateway) if dry_run else prune_old_data(gateway)
    words = [f"{count:>9,}  {_WORDS[what]}" for what, count in done.items()]
    head = "would be pruned:" if dry_run else "pruned:"
    print_done({"dry_run": dry_run} | done, "\n".join([head, *words]), as_json)
