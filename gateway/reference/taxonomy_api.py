"""A taxonomy as a FHIR server gives it: the StructureDefinitions and CodeSystems of a version."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from gateway.reference.upstream import Json, Upstream, UpstreamError

# What a list may leave out of a resource.
_WHOLE: Final = {"StructureDefinition": "differential", "CodeSystem": "concept"}
_MOST_PAGES: Final = 100


class TaxonomyApi:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def read(self, kind: str, version: str) -> list[Json]:
        """All resources of the kind and version, each whole."""
        found: list[Json] = []
        params = [("version", version)]
        for _ in range(_MOST_PAGES):
            bundle = self._upstream.get(kind, params)
            found += [one for one in _list_resources(bundle, kind) if one.get("version") == version]
            following = _find_next(bundle)
            if following is None:
                return [self._complete(one, kind) for one in found]
            # Only its words: it may name another server, and the key must not go there.
            params = parse_qsl(urlsplit(following).query)
        raise UpstreamError(f"more than {_MOST_PAGES} pages of {kind}")

    def _complete(self, resource: Json, kind: str) -> Json:
        if _WHOLE[kind] in resource:
            return resource
        return self._upstream.get(f"{kind}/{resource.get('id')}")


def _list_resources(bundle: Json, kind: str) -> list[Json]:
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise UpstreamError("the answer is no Bundle")
    resources = [entry.get("resource") for entry in entries if isinstance(entry, dict)]
    return [one for one in resources if isinstance(one, dict) and one.get("resourceType") == kind]


def _find_next(bundle: Json) -> str | None:
    for link in bundle.get("link", []):
        if isinstance(link, dict) and link.get("relation") == "next":
            url = link.get("url")
            return url if isinstance(url, str) else None
    return None
