"""The kit against a stub: all is well with one that keeps the contract, and each fault of another
is seen by the case that is there for it."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from schemas.errors import UnavailableError
from tests.lib.kit import list_faults, make_target, play_named, play_steps, run_groups
from tests.lib.wire_server import KEY, serve_wire

# What the stub breaks → the group, and cases of it that must see it.
FAULTS = {
    "reference-first": ("wire", "create-incident-5", "create-good-care-6"),
    "no-diagnostics": ("wire", "refusal-has-its-places"),
    "no-places": ("wire", "refusal-names-the-place"),
    "open-doors": ("wire", "key-missing-on-POST", "key-wrong", "key-none-is-answered-in-fhir"),
    "without-6": ("wire", "metadata-lists-version-6"),
    "no-taxonomy": ("wire", "taxonomy-event-4", "taxonomy-codes-yes-no-unknown-codes-5"),
    "plain-json": ("wire", "headers-of-a-created-event", "taxonomy-unknown-ValueSet"),
    "ignores-if-match": ("updates", "if-match-stale"),
    "always-revises": ("updates", "put-of-the-same-content"),
    "history-backwards": ("updates", "history"),
    "forgets-local-ids": ("once", "same-body-twice", "if-none-exist", "twenty-at-once"),
    "no-idempotency": ("once", "idempotency-key-replayed", "idempotency-key-on-put"),
    "any-body": ("once", "idempotency-key-other-body"),
    "strict": ("real-clients", "patient-with-empty-extension"),
    "stops-at-the-first": ("rejections", "several-at-once"),
    "no-grants": ("rejections", "ORG-002-not-granted"),
    "echoes": ("rejections", "TAX-007", "RULE-010", "MAP-031"),
    "cached": ("headers", "event-is-not-cached", "refusal-is-not-cached"),
    "banner": ("headers", "no-banner"),
    "no-request-ids": ("headers", "request-id-echoed", "request-id-made"),
    "bad-feeds": ("feeds", "ndjson", "receipt-as-csv", "dry-run-then-promote", "feed-of-nobody"),
    "lax": ("hostile", "body-key-twice", "body-not-a-number", "body-deep-lists", "body-latin-1"),
    "traces": ("hostile", "body-cut-off", "path-that-climbs", "lengths-that-disagree"),
    "injected": ("hostile", "header-injected-by-percent"),
    "dies": ("hostile", "body-cut-off"),
}


@pytest.fixture(scope="module")
def well():
    """The base address of a stub that keeps the contract."""
    with serve_wire() as base:
        yield base


def test_a_server_that_keeps_the_contract_passes(well: str):
    report = run_groups(make_target(well))
    assert [(case.name, case.reason, list_faults(case)) for case in report.failed] == []
    counts = {group.name: group.counts for group in report.groups}
    assert all(one.passed for name, one in counts.items() if name != "feeds")
    assert (counts["feeds"].passed, counts["feeds"].failed) == (0, 0)
    assert report.counts.all == sum(one.all for one in counts.values()) > 190
    (reason,) = {case.reason for group in report.groups if group.name == "feeds"
                 for case in group.cases}  # fmt: skip
    assert reason == "the server has no /feeds"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str):
    group, *cases = FAULTS[fault]
    with serve_wire(fault) as base:
        played = play_named(make_target(base), group, *cases)
    for name in cases:
        assert played[name].verdict == "failed", name
        assert list_faults(played[name]), name
        assert played[name].to_do


def test_the_key_is_nowhere_in_the_report(well: str):
    report = run_groups(make_target(well), "wire", "headers")
    assert KEY not in msgspec.json.encode(report).decode()
    assert "Ocp-Apim-Subscription-Key" in msgspec.json.encode(report).decode()


def test_a_server_that_shows_the_key_does_not_get_it_into_the_report(well: str):
    step = {"send": f"GET /{KEY}", "expect": {"status": [200], "clean": True}}
    told = msgspec.json.encode(play_steps(make_target(well), step)).decode()
    assert "/(the key)" in told
    assert KEY not in told


def test_national_alone_leaves_out_what_only_this_gateway_offers(well: str):
    report = run_groups(make_target(well, contract="national"), "wire", "updates")
    cases = [case for group in report.groups for case in group.cases]
    assert {case.verdict for case in cases if case.of == "gateway"} == {"not_applicable"}
    assert {case.verdict for case in cases if case.of != "gateway"} == {"passed"}


def test_versions_that_were_not_asked_for_are_not_played():
    with serve_wire("without-6") as base:
        report = run_groups(make_target(base, versions=("4", "5")), "wire")
    assert report.failed == []
    reasons = {case.name: case.reason for case in report.groups[0].cases}
    assert reasons["create-risk-6"] == "taxonomy version 6 was not asked for"
    assert reasons["create-risk-5"] == ""


def test_a_server_that_dies_is_not_asked_for_ever():
    with serve_wire("dies") as base:
        report = run_groups(make_target(base), "hostile")
    first, *_, last = report.groups[0].cases[:14]
    assert list_faults(first)[-1][0] == "answer"
    assert (last.verdict, last.reason) == ("failed", "not played: the server answers no more")
    assert last.steps == []


def test_a_server_that_is_not_there():
    with serve_wire() as base:
        gone = base
    with pytest.raises(UnavailableError, match=r"metadata: no connection"):
        run_groups(make_target(gone), "wire")


def test_an_address_on_another_server_is_not_asked(well: str):
    step = {"send": "GET https://other.example/feeds", "expect": {"status": [200]}}
    played = play_steps(make_target(well), step)
    assert list_faults(played) == [
        ("address", "one on this server", "the address is on another server")
    ]


def test_a_redirect_is_not_followed():
    with serve_wire("redirects") as base:
        step = {"send": "GET /moved", "expect": {"status": [200]}}
        played = play_steps(make_target(base), step)
    assert list_faults(played) == [("status", "200", "302")]


def test_waiting_for_a_feed():
    step = {"send": "GET /feeds/b-1", "within": 20, "expect": {"status": [200]}}
    with serve_wire("slow-feeds") as base:
        assert play_steps(make_target(base), step).verdict == "passed"
    with serve_wire("slow-feeds", "no-retry-after") as base:
        (fault,) = list_faults(play_steps(make_target(base), step))
    assert fault == ("header Retry-After of a 202", "seconds to wait", "nothing")


def test_waiting_has_an_end():
    step = {"send": "GET /feeds/b-1", "within": 0.1, "expect": {"status": [200]}}
    with serve_wire("endless-feeds") as base:
        assert list_faults(play_steps(make_target(base), step)) == [("status", "200", "202")]


def test_a_limit_on_requests_is_waited_for():
    with serve_wire("busy") as base:
        step = {"send": "GET /health", "expect": {"status": [200]}}
        assert play_steps(make_target(base), step).verdict == "passed"


def test_a_step_that_cannot_be_played_ends_its_case(well: str):
    steps = [
        {"send": "GET /health", "expect": {"status": [200]}, "keep": {"id": "json /id"}},
        {"send": "GET /${id}", "expect": {"status": [200]}},
    ]
    played = play_steps(make_target(well), *steps)
    assert played.reason == "not played to its end: an earlier step did not give 'id'"
    assert list_faults(played) == [("json /id", "a value, to be used as id", "nothing")]
    assert len(played.steps) == 1


@pytest.mark.parametrize(
    ("raw", "expect"),
    [
        ({"breaks_off": True, "content_length": 100_000}, {"status": [400]}),
        ({"drip": 20}, {"status": [408]}),
        ({"drip": 0.1}, {"status": [408], "or_closed": True}),
        ({"lines": ["Content-Length: 7"]}, {"status": [400]}),
        ({"lines": ["Transfer-Encoding: chunked"]}, {"status": [400]}),
        ({}, {"status": [201]}),
    ],
)
def test_what_no_client_would_send(well: str, raw, expect):
    local_id = f"RAW-{sorted(raw)}"
    body = {"event": "fall-5", "set": {"/identifier/value": local_id}}
    step = {"send": "POST /adverse-event/fhir/AdverseEvent", "body": body, "raw": raw}
    played = play_steps(make_target(well), {**step, "expect": expect})
    if raw == {"drip": 0.1}:
        assert list_faults(played)[0][2].startswith("no answer in")
    else:
        assert list_faults(played) == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of 127.0.0.1, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stub")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "stub.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.mark.parametrize("trust", ["named", "none"])
def test_tls_that_is_trusted_because_it_was_named_or_asked_for(certificate: Path, trust: str):
    verify = str(certificate) if trust == "named" else False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serve_wire(tls=context) as base:
        target = make_target(base, verify=verify)
        played = play_named(
            target,
            "hostile",
            "body-key-twice",
            "lengths-that-disagree",
            "body-of-nine-megabytes",
            "body-shorter-than-it-claims",
        )
    assert {case.verdict for case in played.values()} == {"passed"}


def test_tls_that_nobody_trusts(certificate: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serve_wire(tls=context) as base, pytest.raises(UnavailableError, match="TLS failed"):
        run_groups(make_target(base), "wire")
