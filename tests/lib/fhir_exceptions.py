"""The exceptions to "whatever we accept, fhir.resources accepts", each with what mends it.

docs/vendors/fhir-exceptions.md says the same in words. A mend changes only what its exception is
about, and leaves anything else as it is, so that what is refused after all mends has another cause.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from mappers.fhir_tables import MOVED_ELEMENTS, Group, Version, find_segment

Json = dict[str, Any]
Mend = Callable[[Json, Version], None]

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_DATE_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-](0\d|1[0-3]):\d{2}|[+-]14:00))?", re.ASCII
)
_KINDS: Final = ("Patient", "Location", "Practitioner", "Medication", "Device")
_REFERENCES: Final = ("subject", "location", "recorder")
_CONCEPTS: Final = ("type", "event")
# Fields of one release, and the one that the other has instead.
_OTHERS: Final = {
    "STU3": {"event": "type", "actuality": None},
    "R4": {"type": "event", "category": None, "description": None},
}
_READ: Final = {
    "": (
        *("resourceType", "meta", "contained", "extension", "identifier", "type", "event", "date"),
        *("category", "actuality", "description", "subject", "location", "recorder"),
        "suspectEntity",
    ),
    "meta": ("profile",),
    "contained": ("resourceType", "id", "extension"),
    "identifier": ("value",),
    "concept": ("coding",),
    "coding": ("code",),
    "profile": (),
    "reference": ("reference",),
    "suspectEntity": ("instance",),
    "group": ("url", "extension"),
}


def mend_lists(resource: Json, table: Version) -> None:
    """A list of one where FHIR has one value, or one value where FHIR has a list."""
    for field in (*_REFERENCES, *_CONCEPTS, "date", "description", "category", "actuality"):
        if field in resource:
            resource[field] = _unwrap(resource[field])
    if type(resource.get("identifier")) is list:
        found = [one for one in resource.pop("identifier") if str(one.get("value") or "").strip()]
        resource |= {"identifier": found[0]} if found else {}
    for holder, field in _find_list_fields(resource):
        if type(holder.get(field)) in (dict, str):
            holder[field] = [holder[field]]
    for suspect in resource.get("suspectEntity") or []:
        if "instance" in suspect:
            suspect["instance"] = _unwrap(suspect["instance"])
    for _, element in find_elements(resource, table):
        for key in element:
            element[key] = _unwrap(element[key])


def _find_list_fields(resource: Json) -> Iterator[tuple[Json, str]]:
    yield resource, "suspectEntity"
    if type(resource.get("meta")) is dict:
        yield resource["meta"], "profile"
    for field in _CONCEPTS:
        if type(resource.get(field)) is dict:
            yield resource[field], "coding"


def _unwrap(value: Any) -> Any:
    return value[0] if type(value) is list and len(value) == 1 else value


def mend_other_release(resource: Json, table: Version) -> None:
    """A field that only the other FHIR release has."""
    for field, own in _OTHERS[table.release].items():
        if field in resource:
            value = resource.pop(field)
            if own:
                resource.setdefault(own, value)


def mend_left_out(resource: Json, table: Version) -> None:
    """What is not taken over may have any form: it is left out, and told unless FHIR knows it."""
    _keep(resource, "")
    for field, where in (("meta", "meta"), ("identifier", "identifier")):
        _keep(resource.get(field), where)
    for field in _CONCEPTS:
        _keep(resource.get(field), "concept")
    for holder, field in _find_list_fields(resource):
        if field != "suspectEntity" and type(holder.get(field)) is list:
            holder[field] = holder[field][:1]
            for one in holder[field]:
                _keep(one, field)
    for field in _REFERENCES:
        _keep(resource.get(field), "reference")
    for suspect in resource.get("suspectEntity") or []:
        _keep(suspect, "suspectEntity")
        _keep(suspect.get("instance"), "reference")
    for inner in resource.get("contained") or []:
        _keep(inner, "contained")
        if inner["resourceType"] not in _KINDS:
            inner["resourceType"] = "Patient"
    _leave_out_extensions(resource, table)


def _leave_out_extensions(resource: Json, table: Version) -> None:
    for holder in _find_holders(resource):
        holder["extension"] = [
            one for one in holder["extension"] if find_group(one, table) and "extension" in one
        ]
        for extension in holder["extension"]:
            _keep(extension, "group")
            group: Any = find_group(extension, table)
            extension["extension"] = [
                one for one in extension["extension"] if _is_known(one, group) and len(one) > 1
            ]
            for element in extension["extension"]:
                _keep_one_value(element, group, table)


def _keep(holder: Any, where: str) -> None:
    if type(holder) is dict:
        for key in holder.keys() - set(_READ[where]):
            del holder[key]


def _keep_one_value(element: Json, group: Group, table: Version) -> None:
    own = get_value_key(element, group, table)
    values = [key for key in element if key.startswith("value")]
    kept = own if own in values else next(iter(values), "")
    for key in element.keys() - {"url", kept}:
        del element[key]


def mend_value_key(resource: Json, table: Version) -> None:
    """A value under another key than the element's own."""
    for group, element in find_elements(resource, table):
        own = get_value_key(element, group, table)
        other = next((key for key in element if key != "url"), own)
        if other != own:
            element[own] = element.pop(other)


def mend_blanks(resource: Json, table: Version) -> None:
    """Blanks around a value, or nothing but blanks."""
    for holder, field in [(resource, "date"), (resource.get("identifier"), "value")]:
        _strip(holder, field)
    if resource.get("identifier") == {}:
        del resource["identifier"]
    for field in _CONCEPTS:
        for coding in (resource.get(field) or {}).get("coding", []):
            _strip(coding, "code")
    for _, element in find_elements(resource, table):
        for key in [key for key in element if key != "url"]:
            _strip(element, key)


def _strip(holder: Any, field: str) -> None:
    if type(holder) is dict and type(holder.get(field)) is str:
        holder[field] = holder[field].strip()
        if not holder[field]:
            del holder[field]


def mend_date(resource: Json, table: Version) -> None:
    """A time of day without seconds or offset, which FHIR asks for."""
    date = resource.get("date")
    if type(date) is str and not _DATE_TIME.fullmatch(date):
        resource["date"] = date.strip()[:10]


def mend_references(resource: Json, table: Version) -> None:
    """An id that is none in FHIR, and a reference that is no text or leads to nothing."""
    for inner in resource.get("contained") or []:
        if type(inner.get("id", "x")) is not str or not _ID.fullmatch(inner.get("id", "x")):
            inner["id"] = "x"
    for field in _REFERENCES:
        if type((resource.get(field) or {}).get("reference", "")) is not str:
            resource[field] = {"reference": "#x"}
    suspects = resource.get("suspectEntity") or []
    for suspect in suspects:
        instance = suspect.get("instance")
        if type(instance) is not dict or type(instance.get("reference", "")) is not str:
            suspect["instance"] = {"reference": "#x"}


def mend_actuality(resource: Json, table: Version) -> None:
    """R4 asks for ``actuality``; and it or ``category`` may be something else than a code."""
    if table.release == "R4" and not _is_code(resource.get("actuality")):
        resource["actuality"] = "actual"
    elif table.release == "STU3" and not _is_code(resource.get("category", "AE")):
        resource["category"] = "AE"


def _is_code(value: Any) -> bool:
    return type(value) is str and value.split() == [value]


def mend_subject(resource: Json, table: Version) -> None:
    """R4 asks for ``subject``, also where no patient is affected."""
    if table.release == "R4" and resource.get("subject") is None:
        resource["subject"] = {"reference": "#patient1"}


# In the order in which they are to be mended: the later see what the earlier left.
EXCEPTIONS: Final[dict[str, Mend]] = {
    "list-or-one": mend_lists,
    "other-release": mend_other_release,
    "left-out": mend_left_out,
    "value-key": mend_value_key,
    "blanks": mend_blanks,
    "date": mend_date,
    "reference": mend_references,
    "actuality": mend_actuality,
    "no-subject": mend_subject,
}


def find_group(extension: Any, table: Version) -> Group | None:
    if type(extension) is not dict or type(extension.get("url")) is not str:
        return None
    segment = find_segment(extension["url"])
    return table.groups.get(segment) or table.others.get(segment)


def find_elements(resource: Json, table: Version) -> Iterator[tuple[Group, Json]]:
    """The known elements of the known groups."""
    for holder in _find_holders(resource):
        for extension in holder["extension"]:
            group = find_group(extension, table)
            if group is None:
                continue
            for element in extension.get("extension", []):
                if _is_known(element, group):
                    yield group, element


def _find_holders(resource: Json) -> Iterator[Json]:
    for holder in (resource, *(resource.get("contained") or [])):
        if "extension" in holder:
            yield holder


def _is_known(element: Any, group: Group) -> bool:
    url = element.get("url") if type(element) is dict else None
    return url in group.elements or (group.name, url) in MOVED_ELEMENTS


def get_value_key(element: Json, group: Group, table: Version) -> str:
    url = element["url"]
    if url not in group.elements:
        group = table.by_name[MOVED_ELEMENTS[group.name, url]]
    return group.elements[url].value_key
