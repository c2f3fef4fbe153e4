"""FHIR in XML as it comes: whole, odd, broken and hostile."""

from typing import Any

import pytest

from mappers.fhir_write_xml import write_fhir_xml
from schemas.catalogue import reading, word_message
from schemas.finding import FindingCode
from tests.lib.fhir_feeds import EVENT, LIMIT, xml

XML = write_fhir_xml(EVENT)

BODY = XML.partition(b"?>")[2].strip()


def make_xml_bundle(*resources: bytes, bundle_type: bytes = b"batch") -> bytes:
    entries = b"".join(
        b'<entry><fullUrl value="urn:x"/><resource>' + one + b"</resource></entry>"
        for one in resources
    )
    return b'<Bundle xmlns="http://hl7.org/fhir"><identifier><type/></identifier><type value="' + (
        bundle_type + b'"/>' + entries + b"</Bundle>"
    )


class TestXml:
    def test_one_adverse_event(self) -> None:
        feed = xml(XML)
        assert feed.outcome == [("/AdverseEvent", "ok")]
        assert feed.records[0].content == EVENT

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1"])
    def test_other_encodings(self, encoding: str) -> None:
        text = XML.decode().replace("UTF-8", encoding.removesuffix("-sig"), 1)
        assert xml(text.encode(encoding)).records == xml(XML).records

    def test_other_prefix_and_layout_is_the_same_dict(self) -> None:
        text = BODY.decode().replace('xmlns="http://hl7.org/fhir"', 'xmlns:f="http://hl7.org/fhir"')
        text = text.replace("</", "</f:").replace("<", "\n <f:").replace("<f:/f:", "</f:")
        feed = xml(
            f"<?pi x?>{text.replace('<f:AdverseEvent', '<!-- c --><f:AdverseEvent', 1)}".encode()
        )
        assert feed.records[0].content == EVENT

    def test_bundle(self) -> None:
        patient = b"<Patient/>"
        feed = xml(make_xml_bundle(BODY, patient, BODY, b""))
        assert feed.outcome == [
            ("/Bundle/entry[1]/resource/AdverseEvent", "ok"),
            ("/Bundle/entry[2]/resource/Patient", reading.NOT_ADVERSE_EVENT.code),
            ("/Bundle/entry[3]/resource/AdverseEvent", "ok"),
            ("/Bundle/entry[4]", reading.NOT_ADVERSE_EVENT.code),
        ]
        assert feed.records[2].content == EVENT
        assert feed.records[0].raw_hash == feed.records[2].raw_hash

    @pytest.mark.parametrize(
        ("method", "code"),
        [
            ('<method value="PUT"/>', "ok"),
            ('<method value="DELETE"/>', "READ-007"),
            ("", "READ-007"),
        ],
    )
    def test_request(self, method: str, code: str) -> None:
        request = f"</resource><request>{method}</request>".encode()
        assert xml(make_xml_bundle(BODY).replace(b"</resource>", request)).codes == [code]

    def test_broken_half_way(self) -> None:
        raw = make_xml_bundle(BODY, BODY, BODY)
        feed = xml(raw[: raw.rindex(b"<fullUrl") + 3])
        assert feed.codes == ["ok", "ok"]
        assert feed.broken is not None
        assert feed.broken.code == reading.XML_BROKEN.code
        assert feed.broken.params["line"] == 1 + raw.count(b"\n")
        assert int(feed.broken.params["column"]) > 0

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
    def test_doctype_is_refused_in_any_encoding(self, encoding: str) -> None:
        text = '<!DOCTYPE a [<!ENTITY x "boo">]>' + BODY.decode().replace("Mrs", "&x;")
        if encoding.startswith("utf-16-"):
            text = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        feed = xml(text.encode(encoding))
        assert feed.records == []
        assert feed.broken is not None
        assert feed.broken.code == reading.XML_DOCTYPE.code

    @pytest.mark.parametrize(
        ("code", "raw"),
        [
            (reading.NO_FHIR_ROOT, b"<AdverseEvent/>"),
            (reading.NO_FHIR_ROOT, b'<Patient xmlns="http://hl7.org/fhir"/>'),
            (reading.NO_FHIR_ROOT, b"<x>" + BODY + b"</x>"),
            (reading.BUNDLE_TYPE, make_xml_bundle(BODY, bundle_type=b"history")),
            (reading.BUNDLE_TYPE, b'<Bundle xmlns="http://hl7.org/fhir"><entry/></Bundle>'),
            (reading.BUNDLE_TYPE, b'<Bundle xmlns="http://hl7.org/fhir"/>'),
            (reading.XML_BROKEN, b"<"),
            (reading.XML_BROKEN, XML + b"x"),
        ],
    )
    def test_not_a_feed(self, code: FindingCode, raw: bytes) -> None:
        feed = xml(raw)
        assert feed.broken is not None
        assert feed.broken.code == code.code

    @pytest.mark.parametrize(
        ("inside", "code"),
        [
            (b'<description value="caf\xe9"/>', "READ-056"),
            (b'<description value="&#x0;"/>', "READ-056"),
            (b'<description value="' + b"x" * (LIMIT // 2 + 1) + b'"/>', "READ-070"),
            (b'<description value="x"/>' * (LIMIT // 20), "READ-005"),
            (b'<description value="' + b"x" * 9 * LIMIT + b'"/>', "READ-055"),
            (b"<extension>" * 9_000 + b"</extension>" * 9_000, "READ-058"),
        ],
    )
    def test_a_bad_entry_costs_no_other(self, inside: bytes, code: str) -> None:
        bad = BODY.replace(b"</AdverseEvent>", inside + b"</AdverseEvent>")
        feed = xml(make_xml_bundle(BODY, bad, BODY, BODY))
        assert feed.broken is None
        assert feed.codes == ["ok", code, "ok", "ok"]
        assert feed.records[3].locator == "/Bundle/entry[4]/resource/AdverseEvent"

    def test_one_adverse_event_too_long_for_memory(self) -> None:
        long = BODY.replace(b"</AdverseEvent>", b"<x/>" * 5 * LIMIT + b"</AdverseEvent>")
        feed = xml(long)
        assert feed.outcome == [("/AdverseEvent", "READ-055")]
        assert feed.broken is None
        assert xml(long + b"<more/>").broken is not None

    def test_adverse_event_without_the_namespace_is_told_so(self) -> None:
        broken = xml(b"<AdverseEvent/>").broken
        assert broken is not None
        assert "outside the namespace http://hl7.org/fhir" in word_message(broken)

    def test_nested_too_deep(self) -> None:
        deep = b'<extension url="x">' * 70 + b"</extension>" * 70
        raw = BODY.replace(b"</AdverseEvent>", deep + b"</AdverseEvent>")
        feed = xml(make_xml_bundle(BODY, raw, BODY))
        assert feed.codes == ["ok", reading.NESTED_TOO_DEEP.code, "ok"]

    @pytest.mark.parametrize(
        ("given", "key", "value"),
        [
            (
                b'<date value="2026"><extension url="x"/></date>',
                "_date",
                {"extension": [{"url": "x"}]},
            ),
            (b'<date value="2026" id="d"/>', "_date", {"id": "d"}),
            (b"<date>2026</date>", "date", {"#text": "2026"}),
            (b'<date valu="2026"/>', "date", {"@valu": "2026"}),
            (b"<date/>2026", "#text", "2026"),
            (b'<x:date xmlns:x="urn:x" value="1"/>', "{urn:x}date", "1"),
            (b'<active value="true"/>', "active", True),
            (b'<active value="yes"/>', "active", "yes"),
            (b'<valueInteger value="-7"/>', "valueInteger", -7),
            (b'<valueInteger value="7.0"/>', "valueInteger", "7.0"),
            (b'<name value="a"/>', "name", ["a"]),
            (b'<note value="a"/><note value="b"/><note value="c"/>', "note", ["a", "b", "c"]),
            (b'<note value=" a&#10;b "/>', "note", " a\nb "),
        ],
    )
    def test_what_becomes_of_an_element(self, given: bytes, key: str, value: Any) -> None:
        raw = b'<AdverseEvent xmlns="http://hl7.org/fhir">' + given + b"</AdverseEvent>"
        (record,) = xml(raw).records
        assert record.content[key] == value

    def test_rendering_for_people_is_left_out(self) -> None:
        div = b'<text><div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div></text>'
        assert xml(BODY.replace(b"<meta>", div + b"<meta>")).records[0].content == EVENT
