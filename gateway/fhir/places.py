"""A finding's place in the sender's document → FHIRPath, and where FHIR has a field for it."""

import re
from typing import Final, NamedTuple

# A record of a Bundle has the Bundle's pointer before its own.
_ENTRY: Final = re.compile(r"(?:document \d+)?/entry/\d+/resource(?=/|$)", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)
_XPATHS: Final = ("/Bundle", "/AdverseEvent")


class Place(NamedTuple):
    """``expression`` is FHIRPath on the AdverseEvent, ``location`` the place as the sender counts
    it, where it says more than the expression. Either may be empty."""

    expression: str = ""
    location: str = ""


def find_place(source_path: str, *, is_fhir: bool) -> Place:
    """The place of a finding. Of FHIR JSON it is a JSON pointer, relative to the AdverseEvent or to
    the Bundle around it; an XPath of FHIR XML, and the columns, paths and pointers of other feeds,
    are locations only."""
    is_pointer = source_path.startswith("/") and not source_path.startswith(_XPATHS)
    if not is_fhir or not is_pointer:
        return Place(location=source_path)
    inner = _ENTRY.sub("", source_path, count=1)
    return Place(make_expression(inner), "" if inner == source_path else source_path)


def make_expression(pointer: str) -> str:
    """``/contained/0/extension/2`` → ``AdverseEvent.contained[0].extension[2]``. Goes as far as the
    names are names of FHIR: an unknown one may be anything. A value, ``valueCode``, is ``value`` in
    FHIRPath."""
    path = "AdverseEvent"
    is_indexed = True
    for token in pointer.split("/")[1:]:
        if token.isdecimal() and not is_indexed:
            path += f"[{token}]"
            is_indexed = True
            continue
        if not _NAME.fullmatch(token):
            break
        path += f".{_name_in_path(token)}"
        is_indexed = False
    return path


def _name_in_path(token: str) -> str:
    is_choice = token.startswith("value") and token[5:6].isupper()
    return "value" if is_choice else token
