"""Reads one file from an SFTP server: the whole of it as it was when it was listed, or nothing."""

import errno
from collections.abc import Callable, Generator
from typing import Final, NoReturn

import paramiko

from gateway.collectors.far_end import ItemError
from gateway.collectors.sftp_client import encode_name
from gateway.collectors.sftp_session import CutError, Session

_BLOCK: Final = 1 << 20
# A file may go on so often where a connection broke off. More would let one bad file use up the
# connections of all.
_MOST_CUTS: Final = 2
# Two kilobytes a second: whoever sends less holds up the others.
_SECONDS_A_BLOCK: Final = 500.0

Look = tuple[int, int]


def look_at(attributes: paramiko.SFTPAttributes) -> Look:
    """Its size and time of change (whole seconds, by the server's clock)."""
    return attributes.st_size or 0, int(attributes.st_mtime or 0)


class Reading:
    """The stream of a file. What ends it: ItemError where the file is not as it was listed
    (``look``), or cannot be read."""

    def __init__(
        self, session: Session, path: str, look: Look, *, monotonic: Callable[[], float]
    ) -> None:
        self._session, self._path, self._look = session, encode_name(path), look
        self._monotonic = monotonic
        self._blocks = self._read_blocks()
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        wanted = _BLOCK if size < 0 else size
        until = self._monotonic() + _SECONDS_A_BLOCK
        got, parts = len(self._rest), [self._rest]
        while got < wanted and (block := next(self._blocks, b"")):
            parts.append(block)
            got += len(block)
            if self._monotonic() > until:
                raise ItemError("timed-out")
        whole = b"".join(parts)
        self._rest = whole[wanted:]
        return whole[:wanted]

    def close(self) -> None:
        """Where it was not read to its end."""
        self._blocks.close()

    def _read_blocks(self) -> Generator[bytes, None, None]:
        at, cuts = 0, 0
        while True:
            begun = at
            try:
                for block in self._read_from(at):
                    at += len(block)
                    yield block
            except CutError as error:
                cuts += 1
                if at == begun or cuts > _MOST_CUTS:
                    raise ItemError(error.reason) from None
            except OSError as error:
                _raise_denied(error)
            else:
                self._session.praise()
                return

    def _read_from(self, at: int) -> Generator[bytes, None, None]:
        with self._session.use() as client, client.open(self._path) as file:
            self._check(file.stat())
            yield from client.read_range(file, at, self._look[0])
            # By its name: what was put in its place meanwhile is another file.
            self._check(client.stat(self._path))

    def _check(self, attributes: paramiko.SFTPAttributes) -> None:
        if look_at(attributes) != self._look:
            raise ItemError("changed")


def _raise_denied(error: OSError) -> NoReturn:
    reasons = {errno.ENOENT: "vanished", errno.EACCES: "denied"}
    raise ItemError(reasons.get(error.errno or 0, "bad-answer")) from None
