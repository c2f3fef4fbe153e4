"""HTTP collectors: what is asked of the API of an LRMS. What needs requests is imported where it is
needed: no other command waits for it."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import FarEnd
from gateway.collectors.secret import Secret
from gateway.collectors.settings import KindSettings
from schemas.collecting import Collector

FEED_TYPES = (
    "application/fhir+json",
    "application/json",
    "application/fhir+ndjson",
    "application/x-ndjson",
    "application/ndjson",
    "application/fhir+xml",
    "application/xml",
    "text/xml",
    "text/csv",
)


def _check_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.fragment:
        raise ValueError("an address as https://lrms.example/api/incidents is expected")
    if parts.username is not None:
        raise ValueError("without a user or password: those go into key or oauth")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("https: http shows keys and events to whoever listens")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Address = Annotated[str, AfterValidator(_check_address)]


class Since(KindSettings):
    """Asks for what changed: ``parameter=prefix<instant>``, the time of the last whole run less
    ``overlap_seconds``, as clocks differ and what is being written is not seen yet. ``first``:
    where the first run begins; none: at the beginning of all."""

    parameter: str = Field("_lastUpdated", min_length=1)
    prefix: str = "ge"
    overlap_seconds: int = Field(600, ge=0, le=7 * 24 * 3600)
    first: AwareDatetime | None = None


class Mark(KindSettings):
    """Asks from where the API said last time: ``parameter=<what it said>``, of a ``header`` or of
    a ``field`` of its JSON (``a.b`` is b in a)."""

    parameter: str = Field(min_length=1)
    header: str | None = None
    field: str | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.header is None) == (self.field is None):
            raise ValueError("name one of header and field")
        return self


class Pages(KindSettings):
    """How an answer names the next page. ``link``: a Link header with rel=next; ``bundle``: a
    FHIR Bundle's link of relation next; ``field``: a field of its JSON (``a.b`` is b in a), which
    holds an address, or with ``parameter`` that parameter's value."""

    by: Literal["link", "bundle", "field"]
    field: str | None = Field(None, min_length=1)
    parameter: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _names_the_field(self) -> Self:
        if (self.by == "field") != (self.field is not None):
            raise ValueError("field is needed with by: field, and only there")
        if self.parameter is not None and self.field is None:
            raise ValueError("parameter is for by: field")
        return self


class Key(KindSettings):
    """A secret in a header: ``Authorization: Bearer …`` is header Authorization, prefix
    ``Bearer ``."""

    header: str = Field("Authorization", pattern=r"^[A-Za-z0-9-]+$")
    prefix: str = ""
    secret: Secret


class OAuth(KindSettings):
    """Client credentials (RFC 6749), the client known by a JWT it signs (RFC 7523).
    ``audience``: what the JWT names, if not ``token_url``."""

    token_url: Address
    client_id: str = Field(min_length=1)
    kid: str = Field(min_length=1)
    private_key: Secret
    algorithm: str = "RS512"
    scope: str | None = None
    audience: str | None = None


class HttpSettings(KindSettings):
    """``query``: parameters of every request. ``records``: the field of the JSON that holds the
    records, so that an answer without any is known. ``accept``: the kinds of content that may
    come. ``max_pages``: of one run; the next goes on there. ``timeout``: seconds without a byte.
    ``ca_file``: authorities to trust instead of the usual ones; certificates are always checked.
    ``certificate``, ``certificate_key``: files to show ours by."""

    url: Address
    query: dict[str, str | list[str]] = Field(default_factory=dict)
    since: Since | None = None
    mark: Mark | None = None
    pages: Pages | None = None
    records: str | None = Field(None, min_length=1)
    key: Key | None = None
    oauth: OAuth | None = None
    accept: tuple[str, ...] = Field(FEED_TYPES, min_length=1)
    max_page_bytes: int = Field(64 * 2**20, ge=1)
    max_pages: int = Field(1_000, ge=1)
    timeout: float = Field(60, gt=0, le=300)
    ca_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.since is not None and self.mark is not None:
            raise ValueError("one of since and mark")
        if self.key is not None and self.oauth is not None:
            raise ValueError("one of key and oauth")
        if self.certificate_key is not None and self.certificate is None:
            raise ValueError("certificate_key goes with certificate")
        return self

    @property
    def reads_json(self) -> bool:
        """What it needs to know stands in the body."""
        pages, mark = self.pages, self.mark
        by_body = pages is not None and pages.by != "link"
        return by_body or self.records is not None or (mark is not None and mark.field is not None)


def format_instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


@contextmanager
def open_http(gateway: Gateway, collector: Collector, settings: HttpSettings) -> Iterator[FarEnd]:
    from gateway.collectors.http_asking import Asker  # noqa: PLC0415
    from gateway.collectors.http_pull import HttpPull  # noqa: PLC0415

    with Asker(gateway, settings) as asker:
        yield HttpPull(gateway, collector, settings, asker)
