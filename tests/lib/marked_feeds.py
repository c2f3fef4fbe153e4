"""Feeds in which everything a sender may write carries a made-up person: in every free text, in
every value of another type, in what no profile knows, and in records that cannot be read.

Left clean are what a receipt shows by design: the sender's own ids, and names of columns, of XML
elements and of JSON keys.
"""

import csv
import io
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from lxml import etree

PERSON = "Mrs Zebulina Quackenthorpe of 7 Grimblewick Row, NHS number 999 000 0018 (9990000018)"
# No word of the wording, of the taxonomy or of the samples.
WORDS = ("Zebulina", "Quackenthorpe", "Grimblewick", "999 000 0018", "9990000018", "999-000-0018")
# One value each, as it stands where columns have slipped.
ALONE = ("Quackenthorpe", "quackenthorpe", "9990000018", "999-000-0018")
# Where nothing of the sender's may stand but what tells records apart.
_IDS = ("identifier", "resourceType", "id", "reference")
_PROFILE_IDS = ("record_id",)
Json = Any


def find_words(text: str) -> list[str]:
    """The words of the person that stand in a text, in any case."""
    folded = text.casefold()
    return [word for word in WORDS if word.casefold() in folded]


def make_fhir_ndjson() -> bytes:
    event = _read("samples/fhir/incident-5/input.json")
    lines = [_dump(one, number) for number, one in enumerate(_mark_fhir(event))]
    whole = _dump(event | {"description": PERSON}, "broken")
    lines += [
        whole[: whole.index(b"Quackenthorpe") + 20],
        whole[:-1] + b', "description": "' + PERSON.encode() + b'"}',
        whole.replace(b"Quackenthorpe", b"Quackenthorpe\\u0000"),
        whole.replace(b"Quackenthorpe", b"Quackenthorpe\xff"),
        _dump(
            {"resourceType": "Patient", "identifier": [{"value": WORDS[4]}], "name": PERSON}, "x"
        ),
        json.dumps(PERSON).encode(),
        PERSON.encode(),
        b'{"' * 70 + PERSON.encode(),
    ]
    return b"\n".join(lines)


def _mark_fhir(event: Json) -> Iterator[Json]:
    yield event | {"description": f"It is told that {PERSON} fell and got up again."}
    for version in ("4", "6"):
        yield _read(f"samples/fhir/incident-{version}/input.json") | {"description": PERSON}
    yield event | {"patientName": PERSON, "text": {"div": PERSON}, "modifierExtension": [PERSON]}
    for path in list(_find_leaves(event)):
        for value in (PERSON, *ALONE, int(WORDS[4]), [PERSON], [PERSON, PERSON], {"name": PERSON}):
            changed = deepcopy(event)
            _set(changed, path, value)
            yield changed
    for path in [path for path in _find_leaves(event) if path[-1] == "url"]:
        changed = deepcopy(event)
        beside = _get(changed, path[:-1])
        beside |= {"id": PERSON, "valueString": PERSON, "valueQuantity": {"unit": PERSON}}
        yield changed


def _find_leaves(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key not in _IDS:
                yield (*path, key)
                yield from _find_leaves(inner, (*path, key))


def _get(value: Json, path: tuple[Any, ...]) -> Json:
    for key in path:
        value = value[key]
    return value


def _set(value: Json, path: tuple[Any, ...], new: Json) -> None:
    # A name of an element alone is the sender's name of a thing, and shown.
    if path[-1] != "url" or new == PERSON or not isinstance(new, str):
        _get(value, path[:-1])[path[-1]] = new


def make_fhir_xml() -> bytes:
    fhir = "{http://hl7.org/fhir}"
    event = etree.parse("samples/fhir-xml/incident-5/input.xml").getroot()
    bundle = etree.Element(f"{fhir}Bundle")
    etree.SubElement(bundle, f"{fhir}type").set("value", "batch")
    places = [
        position
        for position, element in enumerate(event.iter())
        if element.get("value") is not None and element.getparent().tag != f"{fhir}identifier"
    ]
    for position in places:
        for value in (PERSON, ALONE[0], ALONE[2]):
            changed = deepcopy(event)
            element = list(changed.iter())[position]
            element.set("value", value)
            element.set("note", PERSON)
            element.tail = PERSON
            etree.SubElement(element, f"{fhir}note").text = PERSON
            entry = etree.SubElement(bundle, f"{fhir}entry")
            etree.SubElement(entry, f"{fhir}resource").append(changed)
    return etree.tostring(bundle)[:-20] + PERSON.encode() + b"<& broken"


def make_vendor_xml() -> bytes:
    incidents = etree.parse("samples/xml/incident/input.xml").getroot()
    incident = incidents[0]
    for position in range(len(list(incident.iter()))):
        for value in (PERSON, *ALONE):
            changed = deepcopy(incident)
            changed.set("id", f"X-{position}-{value == PERSON}")
            place = list(changed.iter())[position]
            place.text = value
            place.tail = PERSON
            place.set("note", PERSON)
            etree.SubElement(place, "unknown").text = PERSON
            incidents.append(changed)
        if position == 0:
            for name in ("type", "taxonomy"):
                changed = deepcopy(incident)
                changed.set(name, PERSON)
                incidents.append(changed)
    kept = deepcopy(incident)
    kept.set("id", "X-kept")
    kept.find("{*}narrative").text = PERSON
    incidents.append(kept)
    return etree.tostring(incidents)[:-12] + PERSON.encode() + b"<" + PERSON.encode()


def make_csv() -> bytes:
    with Path("samples/csv/incident/input.csv").open(encoding="utf-8-sig", newline="") as lines:
        names, cells = list(csv.reader(lines))[:2]
    row = {**dict(zip(names, cells, strict=True)), "ward_phone": ""}
    rows = [row | {"narrative": PERSON, "ward_phone": PERSON, "record_id": "C-kept"}]
    for name in row:
        if name not in _PROFILE_IDS:
            values = (PERSON, *ALONE, f"4|{PERSON}|{ALONE[0]}")
            rows += [row | {name: value, "record_id": f"C-{name}"} for value in values]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(row)
    writer.writerows(list(one.values()) for one in rows)
    writer.writerow([PERSON] * (len(row) + 3))
    writer.writerow([PERSON] * 3)
    writer.writerow([f"{PERSON}\0"] * len(row))
    raw = out.getvalue().encode()
    return raw + f'{PERSON},"{PERSON}" {PERSON},\n"{PERSON}\n'.encode() + PERSON.encode() + b"\xff"


def make_feeds() -> list[tuple[str, bytes]]:
    """(format of the source, bytes), also of files that are no feed at all."""
    headless = b"\n".join(f"{PERSON},{word},{PERSON}".encode() for word in WORDS)
    return [
        ("fhir", make_fhir_ndjson()),
        ("fhir", make_fhir_xml()),
        ("xml", make_vendor_xml()),
        ("csv", make_csv()),
        ("csv", headless),
        ("csv", f'"{PERSON}'.encode()),
        ("fhir", PERSON.encode()),
        ("xml", PERSON.encode()),
        ("xml", f"<!DOCTYPE a [<!ENTITY e '{PERSON}'>]><a>&e;</a>".encode()),
        ("fhir", f'{{"resourceType": "Bundle", "type": "{PERSON}", "entry": []}}'.encode()),
        ("fhir", f'{{"resourceType": "Bundle", "type": "{ALONE[0]}", "entry": []}}'.encode()),
        ("fhir", f'{{"resourceType": "Bundle", "type": "batch", "entry": [{PERSON}'.encode()),
    ]


def _read(path: str) -> Json:
    return json.loads(Path(path).read_bytes())


def _dump(event: Json, number: object) -> bytes:
    return json.dumps(event | {"identifier": {"value": f"F-{number}"}}).encode()
