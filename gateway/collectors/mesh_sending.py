"""Sends a receipt as a MESH message: its first part once and never blindly again, the others until
they are there."""

import io
import json
from typing import BinaryIO, Final, Literal, NamedTuple

import requests
from mesh_client import MeshClient
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

from gateway.collectors.far_end import CollectError
from gateway.collectors.mesh_calls import StatusError, failures_told
from schemas.collecting import ReceiptMessage

# Before it is packed; MESH takes 100 MB when it is.
_CHUNK: Final = 20 * 2**20
_COMPLETE: Final = 423
_LATER: Final = {403: "denied", 425: "throttled", 429: "throttled"}


class Begun(NamedTuple):
    """How the first part went. taken: under ``message_id``. not_out: it surely did not go out.
    refused: MESH does not take it, now or later. unknown: nobody can tell."""

    outcome: Literal["taken", "not_out", "refused", "unknown"]
    message_id: str | None = None
    reason: str | None = None


def count_chunks(size: int) -> int:
    return max(1, -(-size // _CHUNK))


def send_first(
    client: MeshClient, message: ReceiptMessage, stream: BinaryIO, size: int, form: str
) -> Begun:
    try:
        response = client.send_chunk(
            recipient=message.recipient,
            chunk=io.BytesIO(_read_chunk(stream, 1)),
            chunk_num=1,
            total_chunks=count_chunks(size),
            compress=True,
            workflow_id=message.workflow,
            local_id=message.local_id,
            filename=f"{message.batch_id}.receipt.{form}",
            content_type="text/csv" if form == "csv" else "application/json",
        )
    except Exception as error:  # noqa: BLE001 - whatever it was, the part may be there
        return Begun("not_out" if _never_left(error) else "unknown", reason=_word(error))
    return _read_answer(response)


def send_rest(client: MeshClient, message: ReceiptMessage, stream: BinaryIO, size: int) -> None:
    """CollectError where one of the parts cannot be sent now; all of them may be sent again."""
    total = count_chunks(size)
    for number in range(2, total + 1):
        try:
            with failures_told():
                client.send_chunk(
                    recipient=message.recipient,
                    chunk=io.BytesIO(_read_chunk(stream, number)),
                    chunk_num=number,
                    total_chunks=total,
                    compress=True,
                    message_id=message.message_id,
                )
        except StatusError as error:
            # Another try, or this one's own repeat, had brought the last one.
            if error.status != _COMPLETE:
                raise


def _read_answer(response: requests.Response) -> Begun:
    status = response.status_code
    if status in _LATER:
        return Begun("not_out", reason=_LATER[status])
    if status not in {requests.codes.ok, requests.codes.accepted}:
        return Begun("refused", reason="not-taken")
    try:
        message_id = response.json()["message_id"]
    except (json.JSONDecodeError, requests.JSONDecodeError, LookupError, TypeError):
        return Begun("unknown", reason="bad-answer")
    if not isinstance(message_id, str) or not message_id:
        return Begun("unknown", reason="bad-answer")
    return Begun("taken", message_id)


def _never_left(error: Exception) -> bool:
    """There was no connection: not a byte was sent."""
    inner = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    return isinstance(cause, NewConnectionError | ConnectTimeoutError | SSLError)


def _read_chunk(stream: BinaryIO, number: int) -> bytes:
    stream.seek((number - 1) * _CHUNK)
    return stream.read(_CHUNK)


def _word(error: Exception) -> str:
    try:
        with failures_told():
            raise error  # noqa: TRY301 - for the one table of what failures are
    except CollectError as told:
        return told.reason
    except Exception:  # noqa: BLE001 - a fault of ours, or of the client
        return "our-fault"
