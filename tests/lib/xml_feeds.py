"""Vendor XML, put together of records, and what reading it within tight limits gives."""

from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.profile_load import load_profile
from schemas.batch import Part
from tests.lib.reading import Reading

PART = Part(batch_number=0, number=0, start=0, end=0)
NAMESPACE = "urn:lrms:incidents:1"
LRMS = load_profile("lrms-xml")
OK = "<incident id='ok'/>"
TIGHT = Limits(record_bytes=4_000, depth=10, text_chars=500, columns=20)


def make_feed(*records: str, start: str = "") -> str:
    return f'{start}<incidents xmlns="{NAMESPACE}">{"".join(records)}</incidents>'


def read_tight(raw: bytes) -> Reading:
    return Reading(lambda stream: read_xml(stream, PART, LRMS, limits=TIGHT), raw)
