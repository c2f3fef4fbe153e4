"""The register of organisations of the NHS: the ODT FHIR R4 API of the Organisation Data Service.

Facts of its specification (NHSDigital/organisation-data-terminology-api, 2026-03-02): search by
``lastChangeDate`` and ``roleCode``, pages by ``_count`` and ``_offset``; an answer above 10 MB is
422; who succeeded a closed organisation is told by ``CodeSystem/$lookup`` alone.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Final

import msgspec

from gateway.reference.ods_read import Facts, read_facts
from gateway.reference.upstream import Json, Params, TooLargeError, Upstream, UpstreamError
from schemas.errors import UnknownError

log = logging.getLogger(__name__)

PAGE: Final = 1_000
SYSTEM: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
_PROPERTIES: Final = ("successor", "ICB", "NHSER")


class Asked(msgspec.Struct, frozen=True):
    """Organisations that changed on ``since`` or later, whatever they are; without it, all of
    these roles."""

    since: date | None
    roles: tuple[str, ...]

    @property
    def params(self) -> list[tuple[str, str]]:
        if self.since is not None:
            # "gt" is behind that day.
            before = self.since - timedelta(days=1)
            return [("lastChangeDate", f"gt{before.isoformat()}")]
        return [("roleCode", ",".join(self.roles))] if self.roles else []


class OdsApi:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.find_name = cache(self._find_name)

    def count(self, asked: Asked) -> int:
        found = self._upstream.get("Organization", [*asked.params, ("_summary", "count")])
        total = found.get("total")
        if not isinstance(total, int):
            raise UpstreamError("the answer has no total")
        return total

    def read_pages(self, asked: Asked) -> Iterator[list[Json]]:
        """Resources as they come. UpstreamError where fewer came than it counted before: what is
        lost between two pages would otherwise never be seen again."""
        expected, came, size = self.count(asked), 0, PAGE
        while True:
            place = [("_count", str(size)), ("_offset", str(came))]
            try:
                bundle = self._upstream.get("Organization", [*asked.params, *place])
            except TooLargeError:
                if size == 1:
                    raise
                size = max(size // 2, 1)
                log.info("an answer was too large: asking for %d at a time", size)
                continue
            resources = _list_matches(bundle)
            came += len(resources)
            if resources:
                yield resources
            if not resources or not _has_next(bundle):
                break
        if came < expected:
            raise UpstreamError(f"{came} of {expected} organisations came")

    def find(self, code: str) -> Json | None:
        try:
            return self._upstream.get(f"Organization/{code}")
        except UnknownError:
            return None

    def find_facts(self, code: str) -> Facts | None:
        """Who succeeded it, and where it lies. None for a code it does not know."""
        properties: Params = [("property", name) for name in _PROPERTIES]
        asked: Sequence[tuple[str, str]] = [("system", SYSTEM), ("code", code), *properties]
        try:
            return read_facts(self._upstream.get("CodeSystem/$lookup", asked))
        except UnknownError:
            return None

    def _find_name(self, code: str) -> str | None:
        found = self.find(code)
        name = found.get("name") if found else None
        return name if isinstance(name, str) else None


def _list_matches(bundle: Json) -> list[Json]:
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise UpstreamError("the answer is no Bundle")
    resources = [entry.get("resource") for entry in entries if isinstance(entry, dict)]
    return [
        one
        for one in resources
        if isinstance(one, dict) and one.get("resourceType") == "Organization"
    ]


def _has_next(bundle: Json) -> bool:
    """The link is only a sign: it may name a server behind the one we know, and is never followed,
    as the key would go with it."""
    links = bundle.get("link", [])
    return isinstance(links, list) and any(
        isinstance(link, dict) and link.get("relation") == "next" for link in links
    )
