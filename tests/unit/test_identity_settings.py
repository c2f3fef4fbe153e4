"""Settings of identity: what cannot be meant is refused when they are read, and not quoted."""

import pytest

from gateway.config import read_settings
from schemas.errors import WrongUseError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LRMS_TOKEN_ALGORITHMS", "none"),
        ("LRMS_TOKEN_ALGORITHMS", "RS512,HS512"),
        ("LRMS_TOKEN_ALGORITHMS", "rs512"),
        ("LRMS_TOKEN_ALGORITHMS", " , "),
        ("LRMS_TOKEN_ALGORITHMS", ""),
        ("LRMS_TRUSTED_PROXIES", "proxy.internal"),
        ("LRMS_TRUSTED_PROXIES", "10.1.2.3/8"),
        ("LRMS_PUBLIC_URL", "lrms.internal"),
        ("LRMS_PUBLIC_URL", "https:///lrms"),
        ("LRMS_PUBLIC_URL", "https://lrms.internal/?x=1"),
        ("LRMS_KEY_CACHE_SECONDS", "-1"),
        ("LRMS_KEY_CACHE_SECONDS", "3600"),
        ("LRMS_MAX_REQUESTS_PER_MINUTE", "-1"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongUseError, match=name) as refusal:
        read_settings()
    assert len(value) < 5 or value not in str(refusal.value)


def test_lists_may_have_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRMS_TOKEN_ALGORITHMS", "RS512, PS512 ,ES384")
    monkeypatch.setenv("LRMS_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    monkeypatch.setenv("LRMS_PUBLIC_URL", "https://gateway.example/lrms/")
    settings = read_settings()
    assert settings.algorithms == ("RS512", "PS512", "ES384")
    assert settings.token_url == "https://gateway.example/lrms/oauth2/token"
