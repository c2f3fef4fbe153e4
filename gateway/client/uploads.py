"""Large feeds, in pieces that are taken up again where they broke off (tus 1.0)."""

import re
from base64 import b64encode
from typing import BinaryIO
from urllib.parse import urlsplit

from gateway.client.calls import Answer, Call, Stretch
from gateway.client.errors import (
    BadAnswerError,
    ClientError,
    ConflictError,
    InFlightError,
    NotNowError,
    RefusedError,
    ServerError,
    UnreachableError,
    UploadCutError,
)
from gateway.client.patience import ONCE, make_retrying
from gateway.client.sending import Sender

UPLOADS = "/uploads"
_TUS = {"Tus-Resumable": "1.0.0"}
_PIECE = {"Content-Type": "application/offset+octet-stream"}
_ID = re.compile(r"[\w.-]+", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
# Of a piece that broke off on the way: what came of it is kept.
_CUT = {(400, "body-cut-off"), (408, "body-too-slow")}


class Upload:
    """One feed on its way, from where ``stream`` stands; ``length`` bytes of it."""

    def __init__(self, sender: Sender, stream: BinaryIO, length: int, *, chunk_bytes: int) -> None:
        self._sender, self._stream, self._length = sender, stream, length
        self._start, self._chunk_bytes = stream.tell(), chunk_bytes
        self._offset, self._is_sure = 0, False

    def run(self, *, filename: str, dry_run: bool, upload_id: str | None) -> Answer:
        """Begins an upload, or goes on with ``upload_id``; the answer that names the feed.
        UploadCutError where patience ended without a byte more."""
        if upload_id is None:
            answer = self._begin(filename, dry_run)
            if _is_done(answer):
                return answer
            upload_id = _read_id(answer)
        if not _ID.fullmatch(upload_id):
            raise ValueError("that is no id of an upload")
        path = f"{UPLOADS}/{upload_id}"
        try:
            while not _is_done(answer := self._get_on(path)):
                pass
        except ClientError as error:
            if _may_go_on(error):
                raise UploadCutError(error, upload_id) from None
            raise
        return answer

    def _begin(self, filename: str, dry_run: bool) -> Answer:
        told = {"filename": filename, "dry-run": "true" if dry_run else "false"}
        headers = {
            **_TUS,
            "Upload-Length": str(self._length),
            "Upload-Metadata": ",".join(
                f"{name} {b64encode(value.encode()).decode()}" for name, value in told.items()
            ),
        }
        # Where the answer is lost and it is begun again, the first one expires.
        answer = self._sender.send(Call("POST", UPLOADS, headers=headers))
        self._is_sure = True
        return answer

    def _get_on(self, path: str) -> Answer:
        """The answer after some more bytes. Each piece has the patience of a call: bytes that
        arrived begin it anew."""
        sender = self._sender
        what = f"upload {path}"
        return make_retrying(sender.patience, sender.clock, _may_go_on, what)(self._try, path)

    def _try(self, path: str) -> Answer:
        if not self._is_sure:
            before = self._offset
            answer = self._ask(path)
            if _is_done(answer) or self._offset > before:
                return answer
        self._is_sure = False
        headers = {**_TUS, **_PIECE, "Upload-Offset": str(self._offset)}
        size = min(self._chunk_bytes, self._length - self._offset)
        piece = Stretch(self._stream, self._start + self._offset, size)
        call = Call("PATCH", path, headers=headers, body=piece.rewind)
        answer = self._sender.send(call, patience=ONCE)
        self._set_offset(answer, at_least=self._offset + 1)
        return answer

    def _ask(self, path: str) -> Answer:
        """How much of it the gateway has."""
        answer = self._sender.send(Call("HEAD", path, headers=_TUS), patience=ONCE)
        if answer.response.headers.get("Upload-Length") != str(self._length):
            raise ValueError("that upload was begun for a feed of another length")
        self._set_offset(answer, at_least=0)
        if self._offset == self._length and not _is_done(answer):
            raise InFlightError("the upload is being taken in", answer.told)
        return answer

    def _set_offset(self, answer: Answer, *, at_least: int) -> None:
        told = answer.response.headers.get("Upload-Offset", "")
        if not _NUMBER.fullmatch(told) or not at_least <= int(told) <= self._length:
            raise BadAnswerError("no Upload-Offset that can be", answer.told)
        # Of one that is whole there is nothing to send, but what became of it to ask.
        self._offset, self._is_sure = int(told), int(told) < self._length


def _is_done(answer: Answer) -> bool:
    return "Content-Location" in answer.response.headers


def _read_id(answer: Answer) -> str:
    path = urlsplit(answer.response.headers.get("Location", "")).path
    upload_id = path.rpartition("/")[2]
    if not _ID.fullmatch(upload_id):
        raise BadAnswerError("an upload without a Location", answer.told)
    return upload_id


def _may_go_on(error: BaseException) -> bool:
    """Whether to ask what arrived, and send what is missing."""
    match error:
        case UnreachableError():
            return not error.is_lasting
        case RefusedError():
            return (error.status, error.code) in _CUT
        case ServerError():
            return error.status in {502, 504}
    # 409: it stands elsewhere than we thought, or an earlier piece is still being written.
    return isinstance(error, NotNowError) or (
        isinstance(error, ConflictError) and error.status != 412
    )
