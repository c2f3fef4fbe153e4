"""Commands about who may send what, as they are typed; and what a grant does to a feed."""

import json
from pathlib import Path
from typing import Any

import pytest

from store.tables import audit, source_keys
from tests.lib.command_line import CommandLineHere, Done
from tests.lib.databases import read_rows
from tests.lib.identity import make_ec, make_jwks, make_rsa
from tests.unit.test_client_certificates import OURS, make_pem

REGISTER = "code,name\nRZA,Aldermoor\nRZB,Brackenfell\nRZC,Calder Bay\n"


class Line(CommandLineHere):
    """With what it must print, and what it must not."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.database = f"sqlite:///{home / 'gateway.sqlite'}"

    def must(self, *words: str) -> str:
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def refuse(self, *words: str) -> str:
        done: Done = self(*words)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
        return done.stderr.decode()

    def read_actions(self) -> list[str]:
        rows = sorted(read_rows(self.database, audit), key=lambda row: row.number)
        return [row.action for row in rows][2:]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    line = Line(tmp_path / "home")
    register = tmp_path / "register.csv"
    register.write_text(REGISTER)
    line.must("organisation", "load", str(register))
    line.must("source", "add", "one", "--organisation", "RZA", "--format", "fhir")
    return line


def test_grants(line: Line) -> None:
    words = ("grant", "add", "one", "RZB", "--by", "Dr A")
    told = line.must(*words, "--from", "2026-01-01", "--until", "2100-12-31")
    assert told == "one may submit for RZB from 2026-01-01 until 2100-12-31\n"
    line.must("grant", "add", "one", "RZC", "--by", "Dr C", "--from", "2100-01-01")
    rows = [row.split() for row in line.must("grant", "list", "one").splitlines()]
    assert rows[1:] == [
        ["one", "RZB", "2026-01-01", "2100-12-31", "yes", "Dr", "A"],
        ["one", "RZC", "2100-01-01", "no", "Dr", "C"],
    ]
    assert "RZA RZB " in line.must("source", "list")
    told = line.must("grant", "end", "one", "RZB", "--by", "Dr A", "--on", "2026-02-01")
    assert told == "one may submit for RZB until 2026-02-01\n"
    assert "RZA  " in line.must("source", "list")
    (first, _) = line.json("grant", "list", "--json")
    assert (first["source"], first["ends_on"], first["given_by"]) == ("one", "2026-02-01", "Dr A")
    assert line.read_actions() == ["grant.given", "grant.given", "grant.ended"]


def test_the_grants_a_source_is_registered_with_tell_who_registered_it(line: Line) -> None:
    words = ("--organisation", "RZA", "--format", "fhir", "--submits-for", "RZB")
    line.must("source", "add", "two", *words)
    (grant,) = line.json("grant", "list", "two", "--json")
    assert grant["given_by"].startswith("cli:")
    assert grant["given_at"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("grant", "add", "nobody", "RZB", "--by", "x"), "no such source"),
        (("grant", "add", "one", "RZZ", "--by", "x"), "not in the register"),
        (("grant", "add", "one", "RZA", "--by", "x"), "needs no grant"),
        (("grant", "end", "one", "RZB", "--by", "x"), "not granted anything"),
        (("grant", "list", "nobody"), "no such source"),
        (("key", "add", "nobody"), "no such source"),
        (("key", "add", "one", "--expires", "2020-01-01"), "would never be"),
        (("key", "revoke", "k-none"), "no such key"),
        (("key", "list", "nobody"), "no such source"),
        (("client", "set", "one"), "--jwks"),
        (("client", "set", "one", "--jwks", "missing.json"), "missing.json: no such file"),
        (("client", "set", "one", "--jwks-url", "http://vendor.example/"), "https only"),
        (("client", "remove", "one"), "is no client"),
        (("certificate", "add", "one", "missing.pem"), "missing.pem: no such file"),
        (("certificate", "remove", "one", "ab"), "no such certificate"),
        (("certificate", "list", "nobody"), "no such source"),
        (("source", "usage", "nobody"), "no such source"),
    ],
)
def test_wrong_use_is_told_in_one_line(line: Line, words: tuple[str, ...], told: str) -> None:
    assert told in line.refuse(*words)
    assert line.read_actions() == []


def test_keys_are_printed_once(line: Line) -> None:
    told = line.must("key", "add", "one", "--label", "old").splitlines()
    assert "cannot be shown again" in told[0]
    secret = told[1]
    second: Any = line.json("key", "add", "one", "--expires", "2100-01-31", "--json")
    assert secret.startswith("lrms_")
    assert second["key"].startswith("lrms_")
    assert second["key"] != secret
    third = line.refuse("key", "add", "one")
    assert "revoke one first" in third
    first_id = told[0].split()[1]
    line.must("key", "revoke", first_id)
    listed = line.must("key", "list", "one")
    assert "revoked" in listed
    assert "active until 2100-02-01 00:00" in listed
    assert [key["id"] for key in line.json("key", "list", "--json")] == [first_id, second["id"]]
    assert line.read_actions() == ["key.added", "key.added", "key.revoked"]
    kept = repr(read_rows(line.database, source_keys)) + repr(read_rows(line.database, audit))
    for word in (secret, second["key"], "lrms_"):
        assert word not in listed + third + kept
    log = [path for path in Path(line.database.removeprefix("sqlite:///")).parent.rglob("*")
           if path.is_file() and secret.encode() in path.read_bytes()]  # fmt: skip
    assert log == []


def test_clients(line: Line, tmp_path: Path) -> None:
    public, private = tmp_path / "public.json", tmp_path / "private.json"
    public.write_bytes(make_jwks(make_rsa("one"), make_ec("two")))
    private.write_bytes(make_jwks(make_rsa("one"), private=True))
    told = line.must("client", "set", "one", "--jwks", str(public), "--scope", "event.read")
    assert told == ("one gets tokens at http://127.0.0.1:8000/oauth2/token; its keys: one, two\n")
    refused = line.refuse("client", "set", "one", "--jwks", str(private))
    assert "private key" in refused
    assert not any(value in refused for value in json.loads(private.read_text())["keys"][0].values()
                   if len(value) > 8)  # fmt: skip
    assert line.must("client", "list").split()[-4:] == ["one", "one,", "two", "event.read"]
    line.must("client", "set", "one", "--jwks-url", "https://vendor.example/jwks.json")
    (client,) = line.json("client", "list", "--json")
    assert (client["jwks_url"], client["kids"]) == ("https://vendor.example/jwks.json", [])
    assert len(client["scopes"]) == 4
    line.must("client", "remove", "one")
    assert line.json("client", "list", "--json") == []
    assert line.read_actions() == ["client.set", "client.set", "client.removed"]


def test_certificates(line: Line, tmp_path: Path) -> None:
    file = tmp_path / "ours.pem"
    file.write_text(make_pem(OURS))
    found = line.json("certificate", "add", "one", str(file), "--json")
    assert found["sha256"] in line.must("certificate", "list", "one")
    assert "already" in line.refuse("certificate", "add", "one", str(file))
    file.write_bytes(b"\xff\xfe")
    assert "no certificate" in line.refuse("certificate", "add", "one", str(file))
    spelled = ":".join(found["sha256"][at : at + 2].upper() for at in range(0, 64, 2))
    line.must("certificate", "remove", "one", spelled)
    assert line.json("certificate", "list", "--json") == []
    assert line.read_actions() == ["certificate.added", "certificate.removed"]


def test_usage_is_shown_beside_the_limits(line: Line) -> None:
    told = line.must("source", "usage", "one")
    assert "6,000 requests; 600,000 records; 2,147,483,648 bytes" in told
    found = line.json("source", "usage", "one", "--json")
    assert found["hours"] == []
    assert found["limits_a_minute"]["requests"] == 6000


def test_a_feed_is_judged_by_the_grants_of_the_day_it_came(line: Line) -> None:
    line.must("organisation", "load", str(Path("samples/organisations.csv").absolute()))
    line.must("source", "add", "theirs", "--organisation", "RZB", "--format", "fhir")
    feed = line("generate", "--events", "5", "--format", "fhir-5").stdout
    grant = ("grant", "add", "theirs", "RZA", "--by", "x")

    def find_codes() -> set[str]:
        receipt = line.json("check", "-", "--source", "theirs", "--json", stdin=feed)
        return {found["code"] for record in receipt["records"] for found in record["findings"]
                if found["severity"] == "error"}  # fmt: skip

    assert find_codes() == {"ORG-002"}
    line.must(*grant, "--from", "2026-01-01")
    assert find_codes() == set()
    line.must("grant", "end", "theirs", "RZA", "--by", "x", "--on", "2026-01-01")
    assert find_codes() == {"ORG-002"}
    line.must(*grant, "--from", "2100-01-01")
    assert find_codes() == {"ORG-002"}
    line.must(*grant)
    assert find_codes() == set()
