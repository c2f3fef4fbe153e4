"""paramiko's SFTP client, made fit for folders that strangers fill.

Tried with paramiko 5.1.0 and OpenSSH 9.2, 2026-11-28: one file name that is not UTF-8 ends a
listing with UnicodeDecodeError; reading ahead (``prefetch``, ``readv``) starts a thread, which dies
with a traceback of its own where the connection is cut; and at DEBUG every file name is logged.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import paramiko
from paramiko.sftp import CMD_DATA, CMD_NAME, CMD_READ, SFTPError, int64

_ENCODING: Final = ("utf-8", "surrogateescape")
# As much as every server answers at once (draft-ietf-secsh-filexfer-02, 6.4), and so many requests
# on their way: 2 MiB, the window of a channel.
_BLOCK: Final = 32 * 1024
_AHEAD: Final = 64


class Client(paramiko.SFTPClient):
    """Names are text whatever bytes they are; give them back by :func:`encode_name`."""

    def _request(self, t: int, *rest: Any) -> tuple[int, paramiko.Message]:
        kind, message = super()._request(t, *rest)  # type: ignore[misc]
        if kind == CMD_NAME:
            message = _Names(message.get_remainder())
        return kind, message

    def _log(self, *_: object) -> None:
        """File names stay out of logs."""

    def read_range(self, file: paramiko.SFTPFile, start: int, end: int) -> Iterator[bytes]:
        """The bytes of an open file, many requests ahead; fewer where it is shorter by now."""
        starts = iter(range(start, end, _BLOCK))
        asked = deque[tuple[int, int, _Answer]]()
        while True:
            for at in starts:
                size = min(_BLOCK, end - at)
                asked.append((at, size, self._ask(file, at, size)))
                if len(asked) >= _AHEAD:
                    break
            if not asked:
                return
            at, size, answer = asked.popleft()
            while size:
                block = self._wait(answer, size)
                yield block
                at, size = at + len(block), size - len(block)
                if size:
                    # A server may answer with less than was asked for.
                    answer = self._ask(file, at, size)

    def _ask(self, file: paramiko.SFTPFile, at: int, size: int) -> "_Answer":
        answer = _Answer()
        self._async_request(answer, CMD_READ, file.handle, int64(at), size)  # type: ignore[attr-defined]
        return answer

    def _wait(self, answer: "_Answer", most: int) -> bytes:
        while answer.message is None:
            self._read_response()  # type: ignore[attr-defined]
        if answer.kind != CMD_DATA:
            self._convert_status(answer.message)  # type: ignore[attr-defined]
            raise SFTPError("data was expected")
        block = answer.message.get_string()
        if not 0 < len(block) <= most:
            raise SFTPError("more was sent than was asked for")
        return block


class _Answer:
    """To one request, whenever it comes."""

    kind = 0
    message: paramiko.Message | None = None

    def _async_response(self, kind: int, message: paramiko.Message, _number: int) -> None:
        self.kind, self.message = kind, message


class _Names(paramiko.Message):
    def get_text(self) -> str:
        return self.get_string().decode(*_ENCODING)


def encode_name(name: str) -> bytes:
    return name.encode(*_ENCODING)
