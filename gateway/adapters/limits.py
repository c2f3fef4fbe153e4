"""How much of anything a feed may hold. Each cap is a setting (``LRMS_MAX_…``) with a finding."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes are counted before decoding, characters after it.

    ``record_bytes``: one record (characters in CSV). ``feed_bytes``: the feed as
    received. ``records``: of one batch. ``columns``: of a CSV header, or different fields in one
    record. ``depth``: nesting of JSON and XML. ``text_chars``: one cell, text or attribute.
    ``unpacked_bytes``, ``ratio`` (unpacked to packed) and ``members``: of gzip and zip.
    """

    record_bytes: int = 8 * 2**20
    feed_bytes: int = 64 * 2**30
    records: int = 10_000_000
    columns: int = 2_000
    depth: int = 100
    text_chars: int = 1_000_000
    unpacked_bytes: int = 64 * 2**30
    ratio: int = 500
    members: int = 1_000
