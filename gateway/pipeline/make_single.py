"""What a request about one event is to the store: which batch, about which event, and which other
request it is the same as."""

import hashlib

from gateway.pipeline.judge_single import JudgedSingle, word_asked
from schemas.asked import Asked
from schemas.identifiers import make_batch_id, make_event_id, make_identity
from schemas.single import Reservation, Single


def find_named_event(asked: Asked) -> int | None:
    if asked.event_id is not None:
        return asked.event_id
    if asked.only_new is None:
        return None
    return make_event_id(asked.source_id, make_identity(asked.only_new, b""))


def fingerprint(asked: Asked) -> bytes:
    """32 bytes over what the same request has in common with its repeat."""
    told = f"{word_asked(asked)}\n{asked.expected}\n{asked.only_new}\n".encode()
    return hashlib.sha256(told + asked.body).digest()


def make_single(
    asked: Asked, judged: JudgedSingle, reservation: Reservation | None, *, is_own: bool = False
) -> Single:
    """The same bytes to create an event are the same batch. A request to update is one of its own
    however often its bytes came, and a rejected one may be accepted the next time: of these the
    sha256 is over the request's own line and a random one too. ``is_own``: so must this be."""
    is_same = judged.identity is not None and not asked.is_update
    told = b"" if is_same and not is_own else f"{word_asked(asked)}\n{asked.nonce.hex()}\n".encode()
    sha256 = hashlib.sha256(told + asked.body).hexdigest()
    return Single(
        batch_id=make_batch_id(asked.source_id, sha256),
        source_id=asked.source_id,
        organisation=judged.source.organisation,
        sha256=sha256,
        filename=word_asked(asked),
        body=asked.body,
        record=judged.record,
        identity=judged.identity,
        expected=asked.expected,
        only_new=asked.only_new is not None or (is_same and judged.is_by_content),
        reservation=reservation,
    )
