"""What the client makes of answers: what it was asked for, or an error that says what to do and
shows nothing of an event."""

import pathlib
import pickle
import subprocess
import sys
import textwrap

import pytest
import requests
import responses

import gateway.client
from gateway.client import (
    BadAnswerError,
    Certificates,
    ClientError,
    ConflictError,
    GatewayClient,
    Issue,
    NotAllowedError,
    NotFoundError,
    NotNowError,
    Patience,
    RejectedError,
    ServerError,
    UnreachableError,
)
from tests.lib.vendor import (
    BASE,
    EVENTS,
    KEY,
    REFERENCE,
    make_client,
    make_event,
    make_outcome,
    make_problem,
    make_stored,
)

ONE = f"{EVENTS}/{REFERENCE}"
CONTENT = "Zebrafinch"
HTML = {"body": f"<html>{CONTENT}</html>", "content_type": "text/html; charset=utf-8"}
ONCE = Patience(attempts=1)


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        yield mock


def test_what_was_created(mocked):
    headers = {"LRMS-Batch": "b-1", "X-Request-ID": "r-1"}
    stored = make_stored(2)
    mocked.add("POST", EVENTS, status=200, json=stored, headers=headers)
    made = make_client().create(make_event(description=CONTENT))
    assert (made.reference, made.revision, made.status) == (REFERENCE, 2, "kept")
    assert (made.event, made.batch_id, made.request_id) == (stored, "b-1", "r-1")
    assert not made.replayed
    assert CONTENT not in repr(made)
    sent = mocked.calls[0].request
    assert sent.headers["Ocp-Apim-Subscription-Key"] == KEY
    assert sent.headers["Content-Type"] == "application/fhir+json"
    assert sent.headers["Prefer"] == "return=representation"


def test_what_was_created_with_its_warnings(mocked):
    mocked.add(
        "POST",
        EVENTS,
        status=201,
        json=make_outcome("TEXT-003", severity="warning"),
        headers={"Location": f"/adverse-event/fhir/AdverseEvent/{REFERENCE}/_history/3"},
    )
    made = make_client().create(make_event(), prefer="OperationOutcome")
    assert (made.reference, made.revision, made.event) == (REFERENCE, 3, None)
    assert [one.code for one in made.findings] == ["TEXT-003"]
    assert not made.findings[0].is_error


def test_what_was_created_and_no_more(mocked):
    place = f"{BASE}/adverse-event/fhir/AdverseEvent/{REFERENCE}/_history/1"
    mocked.add("POST", EVENTS, status=201, headers={"Location": place})
    made = make_client().create(make_event(), prefer="minimal")
    assert (made.reference, made.event, made.findings) == (REFERENCE, None, [])


def test_bytes_go_as_they_are(mocked):
    mocked.add("POST", EVENTS, status=201, json=make_stored())
    make_client().create(b'{"a" : 1}')
    assert mocked.calls[0].request.body == b'{"a" : 1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1}, "\ud800"])
def test_what_json_does_not_have_is_not_sent(value):
    with pytest.raises((ValueError, TypeError)):
        make_client().create({"a": value})


def test_reading_an_event(mocked):
    mocked.add("GET", f"{ONE}/_history/1", json=make_stored(1))
    found = make_client().get(REFERENCE, revision=1)
    assert (found.reference, found.revision) == (REFERENCE, 1)
    assert CONTENT not in repr(found)


def test_reading_its_history(mocked):
    entries = [{"resource": make_stored(number)} for number in (2, 1)]
    mocked.add("GET", f"{ONE}/_history", json={"resourceType": "Bundle", "entry": entries})
    assert [one.revision for one in make_client().history(REFERENCE)] == [2, 1]


@pytest.mark.parametrize("entries", [[], [{"resource": make_stored()}]])
def test_finding_by_identifier(mocked, entries):
    match = [responses.matchers.query_param_matcher({"identifier": "A/1 &b"})]
    bundle = {"resourceType": "Bundle", "entry": entries}
    mocked.add("GET", EVENTS, json=bundle, match=match)
    found = make_client().find("A/1 &b")
    assert (found is not None) == bool(entries)


def test_validating(mocked):
    mocked.add("POST", f"{EVENTS}/$validate", json=make_outcome("RULE-010"))
    (issue,) = make_client().validate(make_event())
    assert issue == Issue(
        severity="error",
        code="RULE-010",
        text="RULE-010 is broken",
        what_to_do="mend RULE-010",
        expression=["AdverseEvent.date"],
        type="business-rule",
    )
    assert issue.is_error


def test_a_path_cannot_be_left(mocked):
    mocked.add("GET", f"{EVENTS}/..%2F..%2Fsandbox%3Fa", json=make_stored())
    make_client().get("../../sandbox?a")


@pytest.mark.parametrize("call", ["get", "history"])
def test_a_reference_is_needed(call):
    with pytest.raises(ValueError, match="reference"):
        getattr(make_client(), call)("")


def test_a_rejection_says_what_is_wrong_and_shows_nothing(mocked):
    outcome = make_outcome("RULE-010", "TAX-003", "RULE-010")
    outcome["issue"][0]["details"]["text"] = CONTENT
    headers = {"X-Request-ID": "r-7"}
    mocked.add("POST", EVENTS, status=422, json=outcome, headers=headers)
    with pytest.raises(RejectedError) as raised:
        make_client().create(make_event(description=CONTENT))
    error = raised.value
    assert [one.code for one in error.issues] == ["RULE-010", "TAX-003", "RULE-010"]
    assert error.issues[0].what_to_do == "mend RULE-010"
    assert str(error) == "rejected: RULE-010, TAX-003 (status 422, request r-7)"
    assert (error.status, error.code, error.request_id) == (422, "RULE-010", "r-7")
    assert CONTENT not in repr(error)


def test_many_codes_are_counted(mocked):
    mocked.add("POST", EVENTS, status=422, json=make_outcome(*(f"A-{n}" for n in range(99))))
    with pytest.raises(RejectedError, match="A-9 and 89 more"):
        make_client().create(make_event())


def test_codes_and_ids_that_are_none_are_not_shown(mocked):
    outcome = make_outcome(f"{CONTENT} fell from bed")
    headers = {"X-Request-ID": f"{CONTENT} {CONTENT}"}
    mocked.add("POST", EVENTS, status=422, json=outcome, headers=headers)
    with pytest.raises(RejectedError, match=r"^rejected: without a code \(status 422\)$"):
        make_client().create(make_event())


def test_problem_details_are_issues_too(mocked):
    mocked.add("GET", f"{BASE}/feeds/b-1", status=404, json=make_problem(404, "not-found"))
    with pytest.raises(NotFoundError) as raised:
        make_client().feed("b-1")
    (issue,) = raised.value.issues
    assert (issue.code, issue.text) == ("not-found", "title of not-found")
    assert issue.what_to_do == "what not-found needs"


def test_errors_come_back_from_worker_processes(mocked):
    mocked.add("POST", EVENTS, status=422, json=make_outcome("RULE-010"))
    with pytest.raises(RejectedError) as raised:
        make_client().create(make_event())
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own
    assert type(again) is RejectedError
    assert (str(again), again.issues) == (str(raised.value), raised.value.issues)


NOT_AS_AGREED = {
    "html": {"status": 200, **HTML},
    "nothing": {"status": 200, "body": b""},
    "broken json": {"status": 200, "body": b'{"resourceType": "AdverseEvent"'},
    "very deep": {"status": 200, "body": b"[" * 100_000},
    "no utf-8": {"status": 200, "body": b'{"a": "\xff"}'},
    "a list": {"status": 200, "json": []},
    "another resource": {"status": 200, "json": {"resourceType": "Patient", "id": CONTENT}},
    "no id": {"status": 200, "json": make_event(meta={"versionId": "1"})},
    "no version": {"status": 200, "json": make_event(id="a")},
    "a version that is none": {
        "status": 200,
        "json": make_event(id="a", meta={"versionId": CONTENT}),
    },
    "an id that is none": {"status": 200, "json": make_event(id=[CONTENT], meta={})},
    "a redirect": {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    "html with 403": {"status": 403, **HTML},
    "html with 404": {"status": 404, **HTML},
    "json of another with 404": {"status": 404, "json": {"message": CONTENT}},
    "json of a framework with 404": {
        "status": 404,
        "json": {"status": 404, "error": "Not Found", "path": CONTENT},
    },
    "another resource with 422": {
        "status": 422,
        "json": {"resourceType": "Patient", "status": CONTENT},
    },
    "a broken outcome": {
        "status": 422,
        "json": {"resourceType": "OperationOutcome", "issue": [{"severity": [CONTENT]}]},
    },
}


@pytest.mark.parametrize("answer", NOT_AS_AGREED.values(), ids=NOT_AS_AGREED)
def test_what_is_not_as_agreed_is_told_clearly(mocked, answer):
    mocked.add("GET", ONE, **answer)
    with pytest.raises(BadAnswerError) as raised:
        make_client().get(REFERENCE)
    assert CONTENT not in str(raised.value)
    assert raised.value.__cause__ is None
    assert len(mocked.calls) == 1


def test_it_names_what_it_got_and_where_it_differs(mocked):
    mocked.add("GET", ONE, **HTML)
    with pytest.raises(BadAnswerError, match=r"^not a JSON object but text/html \(status 200"):
        make_client().get(REFERENCE)
    mocked.replace("GET", ONE, json=make_event(id="a", meta={"versionId": 1}))
    with pytest.raises(BadAnswerError, match=r"not as agreed at \$\.meta\.versionId"):
        make_client().get(REFERENCE)


@pytest.mark.parametrize(
    ("status", "error"), [(429, NotNowError), (503, NotNowError), (502, ServerError)]
)
def test_a_proxy_that_asks_to_wait_is_understood(mocked, status, error):
    mocked.add("GET", ONE, status=status, **HTML)
    with pytest.raises(error):
        make_client(patience=ONCE).get(REFERENCE)


def test_an_answer_that_cannot_be_unpacked(mocked):
    mocked.add("GET", ONE, body=b"no gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadAnswerError, match="unpacked"):
        make_client().get(REFERENCE)


def test_an_address_is_never_shown(mocked):
    mocked.add("GET", EVENTS, body=requests.ConnectionError(f"…?identifier={CONTENT}"))
    with pytest.raises(UnreachableError) as raised:
        make_client(patience=ONCE).find(CONTENT)
    assert CONTENT not in str(raised.value)
    assert raised.value.__suppress_context__


def test_retries_are_logged_without_content(mocked, caplog):
    caplog.set_level("INFO", logger="gateway.client")
    mocked.add("GET", EVENTS, status=503, json=make_outcome("P"))
    mocked.add("GET", EVENTS, json={"resourceType": "Bundle"})
    make_client().find(CONTENT)
    (line,) = caplog.messages
    assert line.startswith("GET /adverse-event/fhir/AdverseEvent: the gateway asks to come later")
    assert CONTENT not in caplog.text
    assert KEY not in caplog.text


def test_the_key_stays_even_where_a_netrc_has_another(mocked, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine gateway.example login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    mocked.add("GET", ONE, json=make_stored())
    make_client().get(REFERENCE)
    assert "Authorization" not in mocked.calls[0].request.headers


@pytest.mark.parametrize(
    "address",
    [
        "gateway.example",
        "ftp://gateway.example",
        "https://",
        "https://a:b@gateway.example",
        "https://gateway.example/?a=b",
        "http://gateway.example",
        "http://10.0.0.1:8000",
        "http://localhost.example",
    ],
)
def test_addresses_that_cannot_be(address):
    with pytest.raises(ValueError, match="base_url"):
        GatewayClient(address, key=KEY)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000"]
)
def test_this_machine_may_be_asked_in_the_clear(mocked, address):
    mocked.add("GET", f"{address.rstrip('/')}/feeds/b-1", **feed_of("b-1"))
    with GatewayClient(address, key=KEY) as client:
        assert client.feed("b-1").id == "b-1"


def feed_of(feed_id: str):
    return {"json": {"id": feed_id, "state": "received"}}


def test_another_machine_only_when_asked_for(mocked):
    mocked.add("GET", "http://gateway:8000/feeds/b-1", **feed_of("b-1"))
    assert GatewayClient("http://gateway:8000", key=KEY, plain_http=True).feed("b-1").id == "b-1"


class SpySession(requests.Session):
    """Keeps what it was asked."""

    def request(self, *args, **options):
        self.options = options
        return super().request(*args, **options)


def test_certificates_win_over_the_environment(mocked, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none")
    mocked.add("GET", ONE, json=make_stored())
    certificates = Certificates(trusted="ca.pem", own="own.pem", own_key="own.key")
    with SpySession() as session:
        make_client(session=session, certificates=certificates).get(REFERENCE)
        assert session.options["verify"] == "ca.pem"
        assert session.options["cert"] == ("own.pem", "own.key")


def test_a_session_of_the_callers_own_stays_open(mocked):
    closed = []
    with requests.Session() as session:
        session.close = lambda: closed.append(True)
        with make_client(session=session):
            pass
        assert not closed


def test_the_tree_of_errors():
    for kind in (RejectedError, NotAllowedError, ConflictError, NotNowError, UnreachableError):
        assert issubclass(kind, ClientError)


def test_the_example_of_the_package_runs(mocked, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nightly.ndjson").write_bytes(b"{}")
    found = {"id": "b-1", "state": "finished", "verdict": "accepted"}
    mocked.add("POST", EVENTS, status=422, json=make_outcome("RULE-010"))
    mocked.add("POST", f"{BASE}/feeds", status=202, json=found)
    mocked.add("GET", f"{BASE}/feeds/b-1", json=found)
    mocked.add("GET", f"{BASE}/feeds/b-1/receipt", body="a,b", content_type="text/csv")
    example = textwrap.dedent("\n".join(gateway.client.__doc__.splitlines()[2:-2]))
    names = {
        "read_my_key": lambda: KEY,
        "adverse_event": make_event(),
        "my_record_id": "W-1",
        "pathlib": pathlib,
    }
    exec(example, names)  # noqa: S102 - it is ours
    assert capsys.readouterr().out.splitlines() == [
        "RULE-010 RULE-010 is broken mend RULE-010",
        "accepted",
    ]
    assert (tmp_path / "receipt.csv").read_text() == "a,b"


def test_it_stands_alone():
    # In a process of its own: the tests have imported everything already.
    script = """if True:
        import sys
        import gateway.client
        foreign = {"mappers", "schemas", "store", "validation", "fastapi", "pydantic", "sqlalchemy"}
        print(*foreign.intersection(sys.modules))
        house = {name for name in sys.modules if name.startswith("gateway.")}
        print(*(name for name in house if not name.startswith("gateway.client")))
    """
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
