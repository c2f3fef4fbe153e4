"""Finding code → FHIR issue type, as data.

The types are of the value set http://hl7.org/fhir/ValueSet/issue-type, and only those that STU3 and
R4 both have.
"""

from typing import Final

# What most findings of an area are; the area is the part of the code before the hyphen.
_AREAS: Final = {
    "READ": "structure",
    "PACK": "structure",
    "MAP": "structure",
    "TAX": "value",
    "RULE": "business-rule",
    "ORG": "business-rule",
    "TEXT": "business-rule",
    "EXP": "processing",
    "REQ": "invariant",
    "OURS": "exception",
    "KEPT": "informational",
}
# Those that are something closer.
_CODES: Final[dict[str, tuple[str, ...]]] = {
    "required": (
        *("READ-060", "READ-069", "READ-077", "READ-090"),
        *("MAP-024", "MAP-027", "MAP-057", "TAX-003", "TAX-004", "TAX-008", "TEXT-001"),
    ),
    "code-invalid": ("MAP-050", "TAX-002", "TAX-007", "ORG-001", "ORG-004", "ORG-007"),
    "value": (
        *("MAP-021", "MAP-022", "MAP-030", "MAP-031", "MAP-032", "MAP-051", "MAP-052", "MAP-053"),
        *("MAP-054", "MAP-060", "MAP-061", "MAP-062", "MAP-063", "MAP-064", "MAP-065", "MAP-090"),
        *("READ-078", "ORG-006", "TEXT-002"),
    ),
    "extension": ("MAP-013", "MAP-014", "MAP-015", "TAX-005", "TAX-006"),
    # Two places contradict each other.
    "invariant": ("MAP-018", "MAP-026", "MAP-029", "MAP-059", "MAP-066", "READ-083"),
    "not-found": ("MAP-033",),
    "not-supported": (
        *("READ-006", "READ-007", "READ-011", "READ-012", "READ-013", "PACK-010"),
        *("MAP-001", "MAP-011", "MAP-056", "MAP-058", "TAX-001"),
    ),
    "too-long": (
        *("READ-005", "READ-055", "READ-067", "READ-070", "READ-080"),
        *("TAX-013", "EXP-010"),
    ),
    "too-costly": (
        *("READ-004", "READ-058", "READ-071", "READ-072", "READ-081"),
        *("PACK-003", "PACK-004", "EXP-011", "EXP-012"),
    ),
    "forbidden": ("ORG-002",),
    "informational": ("READ-074", "READ-075", "READ-079", "MAP-020"),
}
_BY_CODE: Final = {code: kind for kind, codes in _CODES.items() for code in codes}


def get_issue_type(code: str) -> str:
    """The issue type of a finding code; ``processing`` for one that no area claims."""
    return _BY_CODE.get(code) or _AREAS.get(code.partition("-")[0], "processing")
