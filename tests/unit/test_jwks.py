"""A JWKS: which keys are taken, and that nothing private ever is."""

import json
from itertools import count

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from gateway.identity.jwks import list_kids, parse_jwks, read_usable_keys
from schemas.errors import WrongUseError
from tests.lib.identity import make_ec, make_jwks, make_rsa

ALGORITHMS = ("RS512", "ES384")


def parse(content: bytes) -> str:
    return parse_jwks(content, ALGORITHMS)


def refuse(content: bytes) -> str:
    with pytest.raises(WrongUseError) as refusal:
        parse(content)
    return str(refusal.value)


def change(key, **changes) -> bytes:
    (public,) = json.loads(make_jwks(key))["keys"]
    changed = {name: value for name, value in (public | changes).items() if value is not ...}
    return json.dumps({"keys": [changed]}).encode()


def test_several_public_keys_are_taken_and_only_what_is_public_is_kept():
    kept = parse(make_jwks(make_rsa("one"), make_ec("two"), use="sig", x5t="x", note="of May"))
    assert list_kids(kept) == ["one", "two"]
    members = [key.keys() for key in json.loads(kept)["keys"]]
    assert members == [{"kid", "kty", "n", "e"}, {"kid", "kty", "crv", "x", "y"}]
    assert read_usable_keys(kept).keys() == {"one", "two"}


@pytest.mark.parametrize("key", [make_rsa("one"), make_ec("two")], ids=["RSA", "EC"])
def test_a_private_key_is_refused_and_not_quoted(key):
    content = make_jwks(key, private=True)
    told = refuse(content)
    assert "key 1 is a private key" in told
    for name, value in json.loads(content)["keys"][0].items():
        assert name in {"kid", "kty", "crv", "e"} or value not in told
    assert "key 2" in refuse(
        json.dumps(
            {"keys": [*json.loads(make_jwks(make_rsa("x")))["keys"], *json.loads(content)["keys"]]}
        ).encode()
    )


@pytest.mark.parametrize("part", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_any_private_part_is_refused(part):
    assert "private" in refuse(change(make_rsa("one"), **{part: "AQAB"}))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (change(make_rsa("one"), kid=...), "needs a kid"),
        (change(make_rsa("one"), kid=""), "needs a kid"),
        (change(make_rsa("one"), kid="with blank"), "needs a kid"),
        (change(make_rsa("one"), kid="line\nend"), "needs a kid"),
        (change(make_rsa("one"), kid="x" * 201), "needs a kid"),
        (change(make_rsa("one"), kid=1), "must be texts"),
        (change(make_rsa("one"), use="enc"), "use must be sig"),
        (change(make_rsa("one"), key_ops=["encrypt"]), "use must be sig"),
        (change(make_rsa("one"), key_ops=5), "use must be sig"),
        (change(make_rsa("one"), alg="RS256"), "one of RS512, ES384"),
        (change(make_rsa("one"), alg="HS256"), "one of RS512, ES384"),
        (change(make_rsa("one"), n="AQAB"), "has 17 bits"),
        (change(make_rsa("one"), n="é"), "has 0 bits"),
        (change(make_rsa("one"), n="_" * 4000), "has 24000 bits"),
        (change(make_rsa("one"), n=...), "has 0 bits"),
        (change(make_rsa("one"), e=...), "not a valid RSA key"),
        (change(make_rsa("one"), e="AQ"), "not a valid RSA key"),
        (change(make_rsa("one"), kty="oct"), "RSA, or EC on P-384"),
        (change(make_rsa("one"), kty=...), "RSA, or EC on P-384"),
        (change(make_ec("two"), x="AQAB"), "not a valid EC key"),
        (change(make_ec("two"), y=...), "not a valid EC key"),
        (make_jwks(make_ec("curve", "P-256")), "RSA, or EC on P-384"),
        (make_jwks(make_ec("curve", "P-521")), "RSA, or EC on P-384"),
        (make_jwks(OKPKey.generate_key("Ed25519", {"kid": "ed"})), "RSA, or EC on P-384"),
        (make_jwks(OctKey.generate_key(256, {"kid": "oct"}), private=True), "private"),
        (make_jwks(make_rsa("one"), make_ec("one")), "the same kid"),
        (b'{"keys": []}', "holds 0 keys"),
        (make_jwks(*[make_rsa("one")] * 33), "holds 33 keys"),
        (b"{}", "no JWKS"),
        (b'{"keys": {}}', "no JWKS"),
        (b'{"keys": [1]}', "no JWKS"),
        (b"[]", "no JWKS"),
        (b"", "no JWKS"),
        (b"\xff\xfe", "no JWKS"),
        (b'{"keys": ' + b"[" * 100_000, "no JWKS"),
        (make_rsa("one").as_pem(private=False), "no JWKS"),
    ],
    # Made anew by each process: their own values would name the tests differently in each.
    ids=count(),
)
def test_what_cannot_be_used_is_refused(content, told):
    assert told in refuse(content)


def test_of_a_published_set_those_that_can_be_used_are():
    """A set may hold keys for other ends, or of kinds we do not know."""
    private = json.loads(make_jwks(make_rsa("leaked"), private=True))["keys"]
    others = [
        *private,
        {"kty": "AKP", "kid": "post-quantum", "pub": "AA"},
        *json.loads(make_jwks(ECKey.generate_key("P-256", {"kid": "small"})))["keys"],
        *json.loads(change(make_rsa("enc"), use="enc"))["keys"],
        *json.loads(make_jwks(make_ec("good")))["keys"],
    ]
    assert read_usable_keys(json.dumps({"keys": others})).keys() == {"good"}
