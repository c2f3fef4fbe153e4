"""A taxonomy fetched from a FHIR server beside the shipped one. The server is our own API, and one
that plays what a national endpoint may come to say."""

import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from gateway.fhir.taxonomy import find_resource, list_resources
from gateway.generator import write_feed
from gateway.pipeline.refresh_taxonomy import open_taxonomy, refresh_taxonomy
from gateway.reference.taxonomy_read import UnreadableTaxonomyError
from gateway.reference.taxonomy_report import WRITERS
from gateway.reference.upstream import Clock, UpstreamError
from schemas.errors import WrongUseError
from schemas.taxonomy import TAXONOMY_VERSIONS, Taxonomy, get_taxonomy
from store.tables import audit
from tests.lib.command_line import CommandLineHere
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.served import Served

NO_WAIT = Clock(sleep=lambda _: None)
KINDS = ("StructureDefinition", "CodeSystem")


@contextmanager
def serve_resources(resources):
    """``resources`` by kind and id; in pages of fifty, whole."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            kind = parts.path.rpartition("/")[2]
            start = int(query.get("_offset", ["0"])[0])
            chosen = list(resources[kind].values())
            bundle = {"resourceType": "Bundle", "type": "searchset", "link": []}
            bundle["entry"] = [{"resource": one} for one in chosen[start : start + 50]]
            if start + 50 < len(chosen):
                url = f"https://another.example/{kind}?version=5&_offset={start + 50}"
                bundle["link"] = [{"relation": "next", "url": url}]
            body = json.dumps(bundle).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/taxonomy/fhir"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def resources():
    """Version 5, as it is; a test changes it."""
    found = {}
    for kind in KINDS:
        listed = json.loads(list_resources(kind, version="5", link="http://x.example"))
        ids = [one["resource"]["id"] for one in listed["entry"]]
        found[kind] = {one: json.loads(find_resource(kind, one)) for one in ids}
    return found


@pytest.fixture
def gateway(tmp_path):
    with open_line(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def stored(gateway):
    """Events of version 5."""
    register_everyone(gateway, formats=("fhir",))
    out = io.BytesIO()
    write_feed(out, events=60, format="fhir-5", seed=1, errors=0.0, duplicates=0.0)
    assert ingest(gateway, "test-fhir", out.getvalue()).counts.created == 60
    return gateway


def refresh(gateway, resources, **how):
    with serve_resources(resources) as base, open_taxonomy(gateway, base, clock=NO_WAIT) as api:
        return refresh_taxonomy(gateway, api, base, "5", **how)


def told(report):
    return {(one.what, one.how, one.path) for one in report.changes}


def find_element(resources, extension, element_id):
    elements = resources["StructureDefinition"][extension]["differential"]["element"]
    return next(one for one in elements if one["id"] == element_id)


def test_our_own_api_tells_the_very_taxonomy_we_ship(tmp_path, gateway):
    """Element by element, of each version: so nothing is lost on either way."""
    served = Served(tmp_path / "home")
    base = f"{served.url}/taxonomy/fhir"
    try:
        with open_taxonomy(gateway, base, clock=NO_WAIT) as api:
            for version in TAXONOMY_VERSIONS:
                report = refresh_taxonomy(gateway, api, base, version, writes=True)
                assert report.changes == []
                candidate = Path(report.candidate).read_bytes()
                assert msgspec.json.decode(candidate, type=Taxonomy) == get_taxonomy(version)
    finally:
        served.close()


def test_the_same_is_told_as_the_same(gateway, resources):
    report = refresh(gateway, resources)
    assert report.changes == []
    assert "they are the same" in "".join(WRITERS["text"](report))


def test_codes_come_go_and_are_renamed(gateway, resources):
    name = "yes-no-unknown-codes"
    concepts = resources["CodeSystem"][f"{name}-5"]["concept"]
    gone, renamed = concepts.pop(0), concepts[0]
    renamed["display"] += ", really"
    concepts.append({"code": "new", "display": "New"})
    assert told(refresh(gateway, resources)) == {
        ("code", "removed", f"{name}|{gone['code']}"),
        ("code", "renamed", f"{name}|{renamed['code']}"),
        ("code", "added", f"{name}|new"),
    }


def test_elements_and_cardinalities(gateway, resources):
    extension, slice_id = "adverse-event-estimated-date-5", "Extension.extension:TodaysDate"
    find_element(resources, extension, slice_id)["min"] = 1
    find_element(resources, extension, "Extension")["max"] = "*"
    find_element(resources, extension, "Extension.extension:PreciseTime.value[x]")["type"] = [
        {"code": "string"}
    ]
    elements = resources["StructureDefinition"][extension]["differential"]["element"]
    mine = "Extension.extension:EstimatedTime"
    elements[:] = [one for one in elements if not one["id"].startswith(mine)]
    report = refresh(gateway, resources)
    group = "AdverseEventEstimatedDate"
    assert told(report) == {
        ("group", "cardinality", group),
        ("element", "cardinality", f"{group}.TodaysDate"),
        ("element", "changed", f"{group}.PreciseTime"),
        ("element", "removed", f"{group}.EstimatedTime"),
    }
    by_path = {one.path: one for one in report.changes}
    assert (by_path[group].before, by_path[group].after) == ("0..1", "0..*")
    assert by_path[f"{group}.TodaysDate"].after == "1..1"


def test_groups_and_lists(gateway, resources):
    gone = resources["StructureDefinition"].pop("adverse-event-estimated-date-5")
    new = json.loads(json.dumps(gone)) | {"id": "adverse-event-new-5", "name": "AdverseEventNew"}
    resources["StructureDefinition"]["adverse-event-new-5"] = new
    moved = resources["CodeSystem"].pop("time-of-incident-brackets-5")
    resources["CodeSystem"]["new-list-5"] = moved | {"id": "new-list-5"}
    assert told(refresh(gateway, resources)) == {
        ("group", "removed", "AdverseEventEstimatedDate"),
        ("group", "added", "AdverseEventNew"),
        ("list", "removed", "time-of-incident-brackets"),
        ("list", "added", "new-list"),
    }


def test_what_is_removed_and_stored_events_have_is_pointed_out(stored, resources):
    with stored.store.read() as work:
        contents = [json.loads(one.payload) for one in work.contents.read(["5"], 0, 2**60)]
    harms = [
        patient["PhysicalHarm"]
        for one in contents
        for patient in one["groups"].get("PatientInformation", [])
        if "PhysicalHarm" in patient
    ]
    code = max(set(harms), key=harms.count)
    element = get_taxonomy("5").find_element("PatientInformation", "PhysicalHarm")
    concepts = resources["CodeSystem"][f"{element.value_set}-5"]["concept"]
    concepts[:] = [one for one in concepts if one["code"] != code]
    report = refresh(stored, resources)
    (change,) = [one for one in report.changes if one.path == f"{element.value_set}|{code}"]
    having = sum(
        any(p.get("PhysicalHarm") == code for p in one["groups"].get("PatientInformation", []))
        for one in contents
    )
    assert change.events == having > 0
    assert report.in_use == [change]
    text = "".join(WRITERS["text"](report))
    assert f"{having} events" in text
    # Counts and codes: nothing of any event.
    narratives = [one["narrative"] for one in contents if one.get("narrative")]
    assert narratives
    assert not any(one in text for one in narratives)


def test_a_candidate_is_written_whole_named_by_what_it_holds_and_audited(gateway, resources):
    concepts = resources["CodeSystem"]["yes-no-unknown-codes-5"]["concept"]
    concepts.append({"code": "new", "display": "New"})
    report = refresh(gateway, resources, writes=True)
    folder = gateway.settings.home / "taxonomy"
    (path,) = folder.iterdir()
    assert str(path) == report.candidate
    fetched = msgspec.json.decode(path.read_bytes(), type=Taxonomy)
    assert fetched.code_systems["yes-no-unknown-codes"].codes["new"] == "New"
    assert refresh(gateway, resources, writes=True).candidate == report.candidate
    rows = read_rows(gateway.settings.database, audit)
    assert [row.subject for row in rows if row.action == "taxonomy.candidate"] == ["version 5"] * 2
    # What judges is what it was.
    assert "new" not in get_taxonomy("5").code_systems["yes-no-unknown-codes"].codes
    assert "It takes effect nowhere" in "".join(WRITERS["text"](report))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_taxonomy_is_said_so(gateway, resources, kind):
    name = next(iter(resources[kind]))
    if kind == "StructureDefinition":
        name = "adverse-event-estimated-date-5"
        resources[kind][name]["differential"] = {"element": [{"id": "Extension"}]}
    else:
        resources[kind][name]["concept"] = "no list"
    with pytest.raises(UnreadableTaxonomyError, match=name):
        refresh(gateway, resources)


def test_an_empty_server_removes_nothing(gateway):
    """It is no taxonomy without a group, and no report that all is gone."""
    with pytest.raises(UnreadableTaxonomyError, match="not one extension"):
        refresh(gateway, {kind: {} for kind in KINDS})


def test_a_server_that_is_away_is_an_error(gateway):
    base = "http://127.0.0.1:1/fhir"
    with open_taxonomy(gateway, base, clock=NO_WAIT) as api, pytest.raises(UpstreamError):
        refresh_taxonomy(gateway, api, base, "5")


def test_another_version_cannot_be_laid_beside_any(gateway, resources):
    with (
        serve_resources(resources) as base,
        open_taxonomy(gateway, base, clock=NO_WAIT) as api,
        pytest.raises(WrongUseError, match="one of 4, 5, 6"),
    ):
        refresh_taxonomy(gateway, api, base, "7")


def test_the_command(tmp_path, resources):
    typed = CommandLineHere(tmp_path / "typed")
    resources["CodeSystem"]["yes-no-unknown-codes-5"]["concept"].pop()
    with serve_resources(resources) as base:
        words = ("taxonomy", "refresh", "--base", base, "--version", "5")
        found = typed.json(*words, "--json")
        assert found["counts"] == {"code removed": 1}
        assert b"code removed: yes-no-unknown-codes|" in typed(*words).stdout
        assert typed(*words, "--key-env", "LRMS_NO_SUCH_KEY").returncode == 2
    assert typed("taxonomy", "refresh", "--base", "http://taxonomy.example").returncode == 2
