"""Where the files that were taken from a watched folder end: in ``done/`` or nowhere, or in
``refused/`` beside a text that says why."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.collectors.folder_files import DONE, REFUSED, Taking
from schemas.collecting import REASONS, CollectedItem

_MOST_NAME: Final = 255


class Ends:
    """``taken``: where files are taken to, for drafts; ``deletes``: what is received is not kept
    there."""

    def __init__(self, folder: Path, taken: Path, *, deletes: bool) -> None:
        self._folder = folder
        self._taken = taken
        self._deletes = deletes

    def put(self, taking: Taking, known: CollectedItem) -> None:
        """What is there no more was put already. OSError where it cannot be done."""
        if known.state == "refused":
            self._put_refused(taking, known)
        else:
            self._put_done(taking, known)
        with suppress(FileNotFoundError):
            taking.folder.rmdir()

    def _put_done(self, taking: Taking, known: CollectedItem) -> None:
        # The marker first: a folder that holds a marker alone is one that was half taken.
        for name in filter(None, (taking.marker, taking.data)):
            with suppress(FileNotFoundError):
                if self._deletes:
                    (taking.folder / name).unlink()
                else:
                    target = self._folder / DONE / _shorten(f"{known.batch_id or known.id}-{name}")
                    (taking.folder / name).replace(target)

    def _put_refused(self, taking: Taking, known: CollectedItem) -> None:
        refused = self._folder / REFUSED
        self._write_why(refused / _shorten(f"{known.id}-{taking.data}", ".txt"), known)
        for name in filter(None, (taking.marker, taking.data)):
            with suppress(FileNotFoundError):
                (taking.folder / name).replace(refused / _shorten(f"{known.id}-{name}"))

    def _write_why(self, target: Path, known: CollectedItem) -> None:
        reason = known.reason or ""
        words = (
            f"Refused ({reason}): {REASONS.get(reason, '')}.\n"
            f"Item {known.id} of collector {known.collector_id}.\n"
        )
        # Put in its place whole, and through no link that somebody laid there.
        draft = self._taken / f".why-{known.id}"
        draft.unlink(missing_ok=True)
        with draft.open("x", encoding="utf-8") as stream:
            stream.write(words)
        draft.replace(target)


def has_grown(taking: Taking, known: CollectedItem) -> bool:
    """It was received, and somebody still wrote to it."""
    try:
        size = (taking.folder / taking.data).lstat().st_size
    except FileNotFoundError:
        return False
    return known.state == "received" and size != known.size


def _shorten(name: str, ending: str = "") -> str:
    """Whatever was put before it, a name has 255 bytes at most."""
    kept = os.fsencode(name)[: _MOST_NAME - len(ending)]
    # Half a character is none.
    return os.fsdecode(kept) + ending
