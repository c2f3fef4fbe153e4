"""A batch (one received file or request) and its parts."""

from datetime import datetime
from typing import Literal

import msgspec

from schemas.receipt import Counts
from schemas.statuses import BatchState, PartState, Verdict

# How it came: by hand, over the API, or by a collector (of a folder, a MESH mailbox, an SFTP
# server, or another system's API).
Route = Literal["file", "http", "folder", "mesh", "sftp", "pull"]
# How the bytes of a batch are to be read; found by looking at them when it is planned.
Shape = Literal["fhir-ndjson", "fhir-json", "fhir-xml", "xml", "csv", "json", "ndjson"]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """``number`` is the order of arrival over all sources; ``id`` follows from source and bytes
    (:func:`schemas.identifiers.make_batch_id`). ``profile_digest`` is the mapper's: a profile that
    was edited under the same version is another profile. ``size`` in bytes."""

    id: str
    number: int
    source_id: str
    sha256: str
    size: int
    filename: str
    route: Route
    received_at: datetime
    state: BatchState = "received"
    shape: Shape | None = None
    profile: str | None = None
    profile_version: str | None = None
    profile_digest: str | None = None
    verdict: Verdict | None = None
    counts: Counts = Counts()
    finished_at: datetime | None = None
    marked_at: datetime | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a batch: bytes ``start`` to ``end`` (exclusive); ``sha256`` is theirs.
    ``first_record`` is the number of its first record, ``first_line`` the line it starts on (of a
    CSV the row, of XML and JSON the place of its first record in its file), both from 1. ``token``
    is the fencing token: each attempt raises it, and only the newest may write. ``records_done`` of
    its records are loaded and committed.

    Of a feed that came packed (gzip, zip), ``content`` is the sha256 of the unpacked bytes the
    stretch is of, and ``member`` the name of the file in a zip of several, which the locators of
    its records begin with; of any other, both are empty. ``shape`` where it is not the batch's.

    ``around``: what of the feed stands around the stretch and its reader has to know, as
    :mod:`gateway.adapters.around` writes it; empty where it is read by itself."""

    batch_number: int
    number: int
    start: int
    end: int
    sha256: str = ""
    first_record: int = 1
    first_line: int = 1
    state: PartState = "waiting"
    token: int = 0
    records_done: int = 0
    content: str = ""
    member: str = ""
    shape: Shape | None = None
    around: str = ""
