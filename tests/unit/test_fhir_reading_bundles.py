"""Bundles as they come: each entry is a record, and what is broken costs no other."""

import json
from hashlib import sha256

import pytest

from gateway.adapters import json_stream
from schemas.catalogue import reading
from schemas.finding import FindingCode
from tests.lib.fhir_feeds import ENTRY, EVENT, LIMIT, RAW, document, wrap


class TestBundle:
    @pytest.mark.parametrize("bundle_type", ["collection", "batch", "transaction", "searchset"])
    def test_entries_are_records(self, bundle_type: str) -> None:
        feed = document(wrap(ENTRY, ENTRY, bundle_type=bundle_type))
        assert feed.outcome == [("/entry/0/resource", "ok"), ("/entry/1/resource", "ok")]
        assert feed.records[1].content == EVENT
        assert feed.records[1].raw_hash == sha256(ENTRY).digest()
        assert feed.broken is None

    @pytest.mark.parametrize("chunk", [1, 7, 4096])
    def test_wherever_the_pieces_are_cut(self, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_stream, "_CHUNK", chunk)
        resource = {**EVENT, "description": "Zażółć £ 😀 \u2028", "id": "\\"}
        bundle = {"entry": [{"resource": resource}, 12, True], "total": 12, "id": "x"}
        raw = json.dumps(
            {"resourceType": "Bundle", "type": "batch", **bundle}, ensure_ascii=False, indent=1
        ).encode()
        feed = document(b"\xef\xbb\xbf" + raw)
        assert feed.codes == ["ok", reading.NOT_ADVERSE_EVENT.code, reading.NOT_ADVERSE_EVENT.code]
        assert feed.records[0].content == resource
        assert feed.broken is None

    @pytest.mark.parametrize("chunk", [5, 1 << 18])
    def test_a_bad_entry_costs_no_other(self, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_stream, "_CHUNK", chunk)
        bad = [
            b'{"resource":{"a":tru}}',
            b'{"resource":{"a":"\xff"}}',
            b'{"resource":{"a":1,"a":2}}',
            b'{"resource":' + b"[" * 2000 + b"]" * 2000 + b"}",
            b'{"resource":{"a":"' + b'\\"]}' * LIMIT + b'"}}',
            b'{"resource":{"resourceType":"Patient"}}',
            b"{}",
            b"null",
            b'{"request":{"method":"DELETE"}}',
            b'{"resource":' + RAW + b',"request":{"method":"PATCH","url":"x"}}',
            b'{"resource":' + RAW + b',"request":{"method":"PUT","url":"x"}}',
        ]
        feed = document(wrap(ENTRY, *bad, ENTRY))
        assert feed.codes == [
            "ok",
            reading.JSON_BROKEN.code,
            reading.NOT_UTF_8.code,
            reading.DUPLICATE_KEY.code,
            reading.NESTED_TOO_DEEP.code,
            reading.RECORD_TOO_LONG.code,
            reading.NOT_ADVERSE_EVENT.code,
            reading.NOT_ADVERSE_EVENT.code,
            reading.NOT_ADVERSE_EVENT.code,
            reading.REQUEST_NOT_ACCEPTED.code,
            reading.REQUEST_NOT_ACCEPTED.code,
            "ok",
            "ok",
        ]
        assert feed.records[5].raw_hash == sha256(bad[4]).digest()
        assert feed.broken is None

    def test_no_more_than_a_few_pieces_are_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_stream, "_CHUNK", len(ENTRY))
        sizes: list[int] = []
        read_on = json_stream.JsonStream._read_on

        def watch(stream: json_stream.JsonStream, wanted: int) -> bool:
            more = read_on(stream, wanted)
            sizes.append(len(stream._text))
            return more

        monkeypatch.setattr(json_stream.JsonStream, "_read_on", watch)
        long = b'{"resource":"' + b"x" * 50 * LIMIT + b'"}'
        feed = document(wrap(*[ENTRY] * 50, long, *[ENTRY] * 50))
        assert len(feed.records) == 101
        assert max(sizes) < 4 * LIMIT

    def test_broken_off(self) -> None:
        raw = wrap(ENTRY, ENTRY, ENTRY)
        cut = raw[: len(raw) - len(ENTRY) // 2]
        feed = document(cut)
        assert feed.codes == ["ok", "ok"]
        assert feed.broken == reading.FEED_BROKEN_OFF.at(byte=len(cut))

    @pytest.mark.parametrize(
        "tail",
        [
            b"",
            b"]",
            b"]]",
            b"]} x",
            b" 7]}",
            b",]}",
            b"]:1}",
            b'],"entry":[]}',
            b'],"a"}',
            b'],"a":}',
            b",x",
        ],
    )
    def test_broken_behind_an_entry(self, tail: bytes) -> None:
        raw = wrap(ENTRY)[:-2] + tail
        feed = document(raw)
        assert feed.codes[0] == "ok"
        assert feed.broken is not None
        assert feed.broken.code == reading.FEED_BROKEN_OFF.code
        assert len(raw) - len(tail) <= int(feed.broken.params["byte"]) <= len(raw)

    @pytest.mark.parametrize(
        ("code", "raw"),
        [
            (reading.BUNDLE_TYPE, wrap(ENTRY, bundle_type="history")),
            (reading.BUNDLE_TYPE, b'{"resourceType":"Bundle","entry":[]}'),
            (reading.BUNDLE_TYPE, b'{"resourceType":"Bundle","type":7,"entry":[]}'),
            (reading.NO_FHIR_ROOT, b'{"entry":[],"type":"batch","resourceType":"List"}'),
            (reading.NO_FHIR_ROOT, b'{"entry":[],"type":"batch"}'),
        ],
    )
    def test_not_a_feed(self, code: FindingCode, raw: bytes) -> None:
        feed = document(raw)
        assert feed.records == []
        assert feed.broken is not None
        assert feed.broken.code == code.code

    def test_type_behind_the_entries(self) -> None:
        raw = b'{"entry":[' + ENTRY + b'],"type":"batch","resourceType":"Bundle"}'
        feed = document(raw)
        assert feed.codes == ["ok"]
        assert feed.broken is None
