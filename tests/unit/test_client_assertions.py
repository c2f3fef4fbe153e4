"""Client assertions: what is taken, and each way in which one is refused."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from joserfc import jwt

from gateway.identity.assertions import LONGEST, Assertion, Terms, verify_assertion
from gateway.identity.jwks import parse_jwks
from gateway.identity.published_keys import PublishedKeys
from gateway.identity.refusals import ClientRefusedError
from schemas.identity import SCOPES, Client
from tests.lib.identity import (
    NOW,
    SOURCE,
    TOKEN_URL,
    Clock,
    encode,
    make_claims,
    make_ec,
    make_jwks,
    make_rsa,
    sign,
)

ALGORITHMS = ("RS512", "ES384")
SECONDS = int(NOW.timestamp())


def make_client(*keys, source_id: str = SOURCE) -> Client:
    kept = parse_jwks(make_jwks(*keys), ALGORITHMS)
    return Client(source_id=source_id, jwks=kept, scopes=frozenset(SCOPES), updated_at=NOW)


def verify(text: str, *clients: Client, algorithms=ALGORITHMS) -> Assertion:
    known = {client.source_id: client for client in clients or (make_client(make_rsa("one")),)}
    terms = Terms(now=NOW, audience=TOKEN_URL, algorithms=algorithms)
    return verify_assertion(text, terms, known.get, PublishedKeys(Clock().monotonic))


def refuse(text: str, *clients: Client, **terms) -> tuple[int, str]:
    with pytest.raises(ClientRefusedError) as refusal:
        verify(text, *clients, **terms)
    assert refusal.value.error == "invalid_request"
    assert not text or text not in str(refusal.value)
    return refusal.value.status, refusal.value.description


@pytest.mark.parametrize("key", [make_rsa("one"), make_ec("two")], ids=["RS512", "ES384"])
def test_an_assertion_that_is_as_it_must_be_is_taken(key):
    client = make_client(make_rsa("one"), make_ec("two"))
    claims = make_claims(iat=SECONDS, nbf=SECONDS)
    taken = verify(sign(key, claims), client)
    assert (taken.client, taken.kid) == (client, key.kid)
    assert taken.jti_hash == hashlib.sha256(claims["jti"].encode()).digest()
    assert taken.kept_until > NOW + timedelta(seconds=240)


def test_typ_is_forgiven_its_case_and_other_headers_are_left_alone():
    assert verify(sign(make_rsa("one"), make_claims(), typ="jwt"))
    header = {"alg": "RS512", "typ": "JWT", "kid": "one", "x-their-own": "x", "jku": "https://a.b"}
    text = encode(header) + "." + encode(make_claims())
    assert verify(f"{text}.{sign_text(text)}")


def sign_text(text: str) -> str:
    """By the RSA key, past the library's own looks at a header."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - for this alone
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    private = make_rsa("one").private_key
    assert private is not None
    return encode(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA512()))


CLAIMS = [
    ({"iss": ...}, 400, "iss/sub"),
    ({"sub": ...}, 400, "iss/sub"),
    ({"sub": "vendor-two"}, 400, "iss/sub"),
    ({"iss": 5, "sub": 5}, 400, "iss/sub"),
    ({"iss": "", "sub": ""}, 400, "iss/sub"),
    ({"iss": "nobody", "sub": "nobody"}, 401, "Invalid iss/sub"),
    ({"aud": ...}, 401, "aud"),
    ({"aud": TOKEN_URL + "/"}, 401, "aud"),
    ({"aud": TOKEN_URL.upper()}, 401, "aud"),
    ({"aud": [TOKEN_URL]}, 401, "aud"),
    ({"aud": "https://api.service.nhs.uk/oauth2/token"}, 401, "aud"),
    ({"exp": ...}, 400, "Missing exp"),
    ({"exp": str(SECONDS + 60)}, 400, "must be an integer"),
    ({"exp": SECONDS + 60.5}, 400, "must be an integer"),
    ({"exp": True}, 400, "must be an integer"),
    ({"exp": None}, 400, "must be an integer"),
    ({"exp": SECONDS}, 400, "has expired"),
    ({"exp": SECONDS - 1}, 400, "has expired"),
    ({"exp": -1}, 400, "has expired"),
    ({"exp": SECONDS + 311}, 400, "more than 5 minutes"),
    ({"exp": 10**30}, 400, "more than 5 minutes"),
    ({"nbf": SECONDS + 30}, 400, "not valid yet"),
    ({"nbf": "soon"}, 400, "not valid yet"),
    ({"jti": ...}, 400, "Missing jti"),
    ({"jti": ""}, 400, "jti"),
    ({"jti": 7}, 400, "jti"),
    ({"jti": None}, 400, "jti"),
]


@pytest.mark.parametrize(("changes", "status", "told"), CLAIMS)
def test_claims_that_are_not_as_they_must_be_are_refused(changes, status, told):
    found, description = refuse(sign(make_rsa("one"), make_claims(**changes)))
    assert (found, told in description) == (status, True), description


def test_five_minutes_and_ten_seconds_ahead_are_taken():
    assert verify(sign(make_rsa("one"), make_claims(exp=SECONDS + 310)))
    assert verify(sign(make_rsa("one"), make_claims(exp=SECONDS + 1)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kid": ...}, "Missing 'kid'"),
        ({"kid": ""}, "Missing 'kid'"),
        ({"typ": ...}, "typ"),
        ({"typ": "at+jwt"}, "typ"),
        ({"alg": "RS256"}, "must be 'RS512' or 'ES384'"),
        ({"alg": "PS512"}, "must be 'RS512' or 'ES384'"),
    ],
)
def test_headers_that_are_not_as_they_must_be_are_refused(changes, told):
    status, description = refuse(sign(make_rsa("one"), make_claims(), **changes))
    assert (status, told in description) == (400, True), description


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS512", "typ": "JWT", "kid": "one", "crit": ["b64"], "b64": False},
        {"alg": "RS512", "typ": "JWT", "kid": "one", "crit": ["exp"], "exp": 1},
        {"alg": "RS512", "typ": "JWT", "kid": "one", "b64": False},
        {"alg": ["RS512"], "typ": "JWT", "kid": "one"},
        {"alg": "RS512", "typ": ["JWT"], "kid": "one"},
        {"alg": "RS512", "typ": "JWT", "kid": {"one": 1}},
    ],
)
def test_extensions_and_headers_of_another_kind_are_refused(header):
    text = encode(header) + "." + encode(make_claims())
    assert refuse(f"{text}.{sign_text(text)}")[0] == 400


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_no_signature_is_no_way_in(alg):
    header = {"alg": alg, "typ": "JWT", "kid": "one"}
    for signature in ("", sign(make_rsa("one"), make_claims()).rpartition(".")[2]):
        text = f"{encode(header)}.{encode(make_claims())}.{signature}"
        status, told = refuse(text)
        assert (status, "'alg'" in told) == (400, True)


@pytest.mark.parametrize("alg", ["HS256", "HS512"])
def test_the_public_key_is_no_shared_secret(alg):
    """HS/RS confusion: anybody has the public key, and could sign with it as a secret."""
    key = make_rsa("one")
    digest = {"HS256": "sha256", "HS512": "sha512"}[alg]
    der, pem = key.as_der(private=False), key.as_pem(private=False)
    for secret in (pem, pem.strip(), der, make_jwks(key)):
        text = encode({"alg": alg, "typ": "JWT", "kid": "one"}) + "." + encode(make_claims())
        signature = encode(hmac.new(secret, text.encode(), digest).digest())
        status, told = refuse(f"{text}.{signature}")
        assert (status, "'alg'" in told) == (400, True)


def test_a_key_signs_by_the_algorithm_of_its_kind_only():
    client = make_client(make_rsa("one"), make_ec("two"))
    for key, kid in ((make_rsa("one"), "two"), (make_ec("two"), "one")):
        status, told = refuse(sign(key, make_claims(), kid=kid), client)
        assert (status, "another algorithm" in told) == (400, True)


def test_a_key_registered_for_one_algorithm_signs_by_no_other():
    key = make_rsa("one")
    kept = parse_jwks(make_jwks(key, alg="RS512"), ALGORITHMS)
    client = Client(source_id=SOURCE, jwks=kept, scopes=frozenset(SCOPES), updated_at=NOW)
    header = {"alg": "RS384", "typ": "JWT", "kid": "one"}
    text = jwt.encode(header, make_claims(), key, algorithms=["RS384"])
    assert refuse(text, client, algorithms=("RS384", "RS512"))[0] == 400
    assert verify(sign(key, make_claims()), client, algorithms=("RS384", "RS512"))


def test_an_unknown_kid_is_told_so():
    status, told = refuse(sign(make_rsa("one"), make_claims(), kid="three"))
    assert (status, "no matching public key" in told) == (401, True)


def test_the_kid_of_another_key_does_not_fit_the_signature():
    client = make_client(make_rsa("one"), make_rsa("other"))
    status, told = refuse(sign(make_rsa("one"), make_claims(), kid="other"), client)
    assert (status, told) == (401, "JWT signature verification failed")


def test_the_key_of_another_source_does_not_help():
    two = make_client(make_rsa("other"), source_id="vendor-two")
    claims = make_claims(iss="vendor-two", sub="vendor-two")
    assert refuse(sign(make_rsa("one"), claims, kid="other"), two)[0] == 401
    assert refuse(sign(make_rsa("one"), claims), two)[0] == 401


@pytest.mark.parametrize("key", [make_rsa("one"), make_ec("two")], ids=["RSA", "EC"])
def test_every_changed_part_is_noticed(key):
    client = make_client(make_rsa("one"), make_ec("two"))
    header, claims, signature = sign(key, make_claims()).split(".")
    forged = encode(make_claims(jti="another"))
    assert refuse(f"{header}.{forged}.{signature}", client)[0] == 401
    other = "A" if signature[10] != "A" else "B"
    changed = signature[:10] + other + signature[11:]
    assert refuse(f"{header}.{claims}.{changed}", client)[0] == 401
    empty = base64.urlsafe_b64encode(bytes(96)).decode()
    assert refuse(f"{header}.{claims}.{empty}", client)[0] == 401
    assert refuse(f"{header}.{claims}.", client)[0] == 401


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        "....",
        "not a jwt at all",
        "é.é.é",
        f"{encode(b'[1]')}.{encode({})}.",
        f"{encode(b'{')}.{encode({})}.x",
        f"{encode(b'nonsense')}.{encode({})}.x",
        f"{encode({'alg': 'RS512', 'typ': 'JWT', 'kid': 'one'})}.{encode(b'[]')}.x",
        f"{encode({'alg': 'RS512'})}.{encode(b'[' * 5000)}.x",
        "a." * LONGEST,
    ],
)
def test_what_is_no_jwt_is_refused(text):
    assert refuse(text) == (400, "Malformed JWT in client_assertion")


def test_a_claim_that_is_there_twice_is_refused():
    """Two readers of one text may take different ones."""
    claims = json.dumps(make_claims())[:-1] + f', "iss": "{SOURCE}"}}'
    text = encode({"alg": "RS512", "typ": "JWT", "kid": "one"}) + "." + encode(claims.encode())
    assert refuse(f"{text}.{sign_text(text)}") == (400, "Malformed JWT in client_assertion")


def test_padding_and_other_alphabets_are_refused():
    header, claims, signature = sign(make_rsa("one"), make_claims()).split(".")
    assert verify(f"{header}.{claims}.{signature}")
    for text in (f"{header}.{claims}.{signature}==", f"{header} .{claims}.{signature}"):
        assert refuse(text)[0] in (400, 401)
