"""The catalogue of finding codes: severity, wording and fix of each, one module an area.

It lives with the nouns, not in ``validation``, because adapters and mappers raise findings too
and may not import it from there (docs/adr/0003).
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from schemas.catalogue import (
    expectations,
    mapping,
    narrative,
    organisations,
    ours,
    packing,
    reading,
    requests,
    retention,
    rules,
    taxonomy,
)
from schemas.finding import Finding, FindingCode

AREAS = {
    "READ": reading,
    "PACK": packing,
    "MAP": mapping,
    "TAX": taxonomy,
    "RULE": rules,
    "ORG": organisations,
    "TEXT": narrative,
    "EXP": expectations,
    "REQ": requests,
    "OURS": ours,
    "KEPT": retention,
}


@lru_cache
def get_catalogue() -> Mapping[str, FindingCode]:
    """Every finding code, by code; ValueError where two share one or it is in the wrong area."""
    catalogue: dict[str, FindingCode] = {}
    for prefix, module in AREAS.items():
        for entry in vars(module).values():
            if not isinstance(entry, FindingCode):
                continue
            if entry.code in catalogue or not entry.code.startswith(f"{prefix}-"):
                raise ValueError(f"finding code {entry.code} is taken or stands in the wrong area")
            catalogue[entry.code] = entry
    return MappingProxyType(dict(sorted(catalogue.items())))


def word_message(finding: Finding) -> str:
    return get_catalogue()[finding.code].message.format_map(finding.params)


def word_fix(finding: Finding) -> str:
    return get_catalogue()[finding.code].fix.format_map(finding.params)
