"""Feeds made to fill the memory, one reader a process: never more than 512 MB, with the limits as
they are shipped, and the records around the big one are read."""

import subprocess
import sys

import pytest

MIB = 2**20
MOST_MIB = 512
BIG = 24 * MIB

READ = """
import sys
from pathlib import Path
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.csv_rows import read_csv
from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.json_records import read_json_records
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.profile_model import Profile
from schemas.batch import Part

path, shape = Path(sys.argv[1]), sys.argv[2]
part = Part(batch_number=1, number=0, start=0, end=path.stat().st_size)
terms = {"name": "p", "version": "1", "taxonomy_version": "5", "local_id": "id",
         "event_type": {"value": "1"}}
def profile(**more):
    return Profile.model_validate(terms | more)
limits = Limits()
with path.open("rb") as stream:
    records = {
        "csv": lambda: read_csv(stream, part, profile(format="csv"), limits=limits),
        "csv-rows": lambda: read_csv(
            stream, part, profile(format="csv", rows={"id": "id"}), limits=limits),
        "xml": lambda: read_xml(stream, part, profile(format="xml", record="f/c"), limits=limits),
        "json": lambda: read_json_records(
            stream, part, profile(format="json"), limits=limits, by_line=False),
        "ndjson": lambda: read_json_records(
            stream, part, profile(format="json"), limits=limits, by_line=True),
        "fhir-json": lambda: read_fhir_json(stream, part, limits=limits),
        "fhir-ndjson": lambda: read_fhir_ndjson(stream, part, limits=limits),
        "fhir-xml": lambda: read_fhir_xml(stream, part, limits=limits),
    }[shape]()
    codes = []
    try:
        for record in records:
            if len(codes) < 10:
                codes.append(record.findings[0].code if record.findings else "ok")
    except BrokenFeed as broken:
        codes.append("broken " + broken.finding.code)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(int(peak.split()[1]) // 1024, ",".join(codes))
"""

EVENT = b'{"resourceType":"AdverseEvent"%s}'
XML_EVENT = b"<entry><resource><AdverseEvent>%s</AdverseEvent></resource></entry>"
BUNDLE = b"<Bundle xmlns='http://hl7.org/fhir'><type value='batch'/>%s</Bundle>"
TEXT = b"x" * BIG
LONG = b"n" * 4_000


def around(good: bytes, bad: bytes, between: bytes = b"") -> bytes:
    return between.join([good, bad, good])


CASES = {
    "one cell without end": ("csv", b"id,n\n" + around(b"1,2\n", b"3," + TEXT + b"\n"), "READ-067"),
    "a quote never closed": (
        "csv",
        b'id,n\n1,2\n3,"' + b"4,%s\n" % (b"5" * 27) * 400_000,
        "ok,READ-067,ok",
    ),
    "all rows of one id": ("csv-rows", b"id,n\n" + b"1,22222222\n" * 300_000, "READ-080"),
    "rows scattered": (
        "csv-rows",
        b"id,n\n" + b"".join(b"%d,%s\n" % (n, b"x" * 90) for n in range(150_000)) * 2,
        "ok",
    ),
    "one text of an XML": ("xml", b"<f>%s</f>" % around(b"<c/>", b"<c>%s</c>" % TEXT), "READ-055"),
    "as many elements as there may be": (
        "xml",
        b"<f>%s</f>" % around(b"<c/>", b"<c>%s</c>" % (b"<a>12</a>" * (8 * MIB // 9 - 9))),
        "ok,ok,ok",
    ),
    "long paths": (
        "xml",
        b"<f>%s</f>" % around(b"<c/>", b"<c><%s>%s</%s></c>" % (LONG, b"<a>1</a>" * 900_000, LONG)),
        "READ-055",
    ),
    "one attribute": ("xml", b"<f>%s</f>" % around(b"<c/>", b"<c a='%s'/>" % TEXT), "READ-055"),
    "a comment": ("xml", b"<f>%s</f>" % around(b"<c/>", b"<c><!--%s--></c>" % TEXT), "READ-055"),
    "many elements": (
        "xml",
        b"<f>%s</f>" % around(b"<c/>", b"<c>%s</c>" % (b"<a/>" * (6 * MIB))),
        "READ-055",
    ),
    "a tag without end": ("xml", b"<f><c/><c a='" + TEXT * 2, "broken"),
    "levels without end": ("xml", b"<f><c/>" + b"<c>" * (16 * MIB), "broken"),
    "one text of a JSON": ("json", b"[%s]" % around(b"{}", b'{"a":"%s"}' % TEXT, b","), "READ-005"),
    "a list of lists": ("json", b"[%s]" % around(b"{}", b"[" * BIG + b"]" * BIG, b","), "READ-005"),
    "a list of little": (
        "json",
        b"[%s]" % around(b"{}", b'{"a":[%s1]}' % (b"[]," * (2 * MIB + MIB // 2)), b","),
        "ok,ok,ok",
    ),
    "one line": ("ndjson", around(b"{}", b'{"a":"%s"}' % TEXT, b"\n"), "READ-005"),
    "one entry": (
        "fhir-json",
        b'{"resourceType":"Bundle","type":"batch","entry":[%s]}'
        % around(b'{"resource":%s}' % (EVENT % b""), EVENT % (b',"a":"%s"' % TEXT), b","),
        "READ-005",
    ),
    "one line of FHIR": (
        "fhir-ndjson",
        around(EVENT % b"", EVENT % (b',"a":"%s"' % TEXT), b"\n"),
        "READ-005",
    ),
    "one entry in XML": (
        "fhir-xml",
        BUNDLE % around(XML_EVENT % b"", XML_EVENT % (b"<a>%s</a>" % TEXT)),
        "READ-055",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_memory_stays_under_512_mb(name, tmp_path):
    shape, raw, expected = CASES[name]
    path = tmp_path / "feed"
    path.write_bytes(raw)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), shape], capture_output=True, text=True, check=True
    )
    path.unlink()
    peak, codes = done.stdout.split(maxsplit=1)
    assert int(peak) < MOST_MIB, (peak, codes)
    assert expected in codes
    if "broken" not in expected and shape != "csv-rows":
        assert codes.strip().endswith("ok"), codes
