"""Where the kit may send to, and that the key stays where it belongs."""

import pytest

from gateway.conformance.target import Key, parse_base
from schemas.errors import WrongUseError
from tests.lib.kit import make_target


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("https://127.0.0.1/lrms/", "https://127.0.0.1/lrms"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address(text: str, base: str):
    assert parse_base(text, is_local=False) == base
    assert parse_base(text, is_local=True) == base


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gateway.example", "an address such as https://"),
        ("ftp://127.0.0.1", "an address such as https://"),
        ("https://", "an address such as https://"),
        ("https://127.0.0.1/?a=b", "without a query"),
        ("https://127.0.0.1/#a", "without a query"),
        ("https://me:secret@127.0.0.1", "without a query, a fragment or a password"),
        ("http://192.0.2.7", "in clear"),
        ("http://10.0.0.7", "in clear"),
        ("http://no-such-host.invalid", "no such host"),
    ],
)
def test_no_address(text: str, why: str):
    with pytest.raises(WrongUseError, match=why) as told:
        parse_base(text, is_local=False)
    assert "secret" not in str(told.value)


def test_a_private_network_is_near_and_the_internet_is_not():
    assert parse_base("http://10.0.0.7:8000", is_local=True) == "http://10.0.0.7:8000"
    for far in ("https://8.8.8.8", "http://8.8.8.8"):
        with pytest.raises(WrongUseError, match="private network"):
            parse_base(far, is_local=True)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/feeds", "https://gateway.example/lrms/feeds"),
        ("/lrms/feeds/b-1", "https://gateway.example/lrms/feeds/b-1"),
        ("https://gateway.example/feeds", "https://gateway.example/feeds"),
        (
            "/a?next=https://other.example/",
            "https://gateway.example/lrms/a?next=https://other.example/",
        ),
    ],
)
def test_paths_of_ours_and_of_theirs(path: str, url: str):
    assert make_target("https://gateway.example/lrms").url_of(path) == url


@pytest.mark.parametrize(
    "path",
    [
        "https://other.example/feeds",
        "http://gateway.example/feeds",
        "https://gateway.example.other/feeds",
        "https://gateway.example:8443/feeds",
        "//other.example/feeds",
        "https://gateway.example@other.example/",
    ],
)
def test_the_key_goes_to_no_other_server(path: str):
    with pytest.raises(WrongUseError, match="another server"):
        make_target("https://gateway.example").url_of(path)


def test_a_key_shows_itself_to_nobody():
    target = make_target(key=Key(" secret-1 \n"))
    assert target.key.reveal() == "secret-1"
    assert "secret" not in repr(target)
    assert "secret" not in str(target.key)


@pytest.mark.parametrize("text", ["", " \n", "a\nb", "a\0b", "clé"])
def test_no_key(text: str):
    with pytest.raises(WrongUseError, match="key"):
        Key(text)
