"""What fuzzing starts from: the hostile feeds, and sound ones, by target."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from samples.makers.hostile.__main__ import find_cases
from samples.makers.hostile.sound import make_bundle, make_csv, make_json, make_lines, make_xml

# Of what a target reads, the words that matter to its reader.
TOKENS = {
    "fhir": ['{"', '":', "[", "]", "}", ",", "\\ud800", '"entry":', "null", "1e999", "\n"],
    "csv": [",", '"', "\n", "\r", "\r\n", ";", "\t", "\x00", "sep=;\n", "\ufeff", '""'],
    "xml": ["<", ">", "</", "/>", "<![CDATA[", "]]>", "<!--", "&", "&#0;", "<!DOCTYPE x>", "<?x?>"],
    "json": ['{"', '":', "[", "]", "}", ",", "NaN", "-", "1e9", '"incidents":', "\n", "\\u0000"],
    "packed": ["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "\x00\x00", "a.csv"],
}
# A sample of the profile's own, where the feeds of its format do not fit it.
_OWN = {
    "csv-rows": "samples/profiles/datix-like-csv/feed.csv",
    "xml-fields": "samples/profiles/ulysses-like-xml/feed.xml",
    "json-nested": "samples/profiles/inphase-like-json/feed.json",
}
_OWN_BYTES = 6_000
_MOST = 20_000
_SOUND = {
    "fhir": [make_lines(), make_bundle()],
    "csv": [make_csv(), make_csv(";", "\r\n")],
    "xml": [make_xml()],
    "json": [make_json(), "\n".join(make_json().split(", {"))],
}


@lru_cache
def find_seeds(target: str) -> list[bytes]:
    own = [Path(_OWN[target]).read_bytes()[:_OWN_BYTES]] if target in _OWN else []
    return own + [seed for seed in _find_all(target.partition("-")[0]) if len(seed) <= _MOST]


def _find_all(kind: str) -> Iterator[bytes]:
    """Sound feeds of a format and hostile ones, or packed ones of any."""
    for text in _SOUND.get(kind, ()):
        yield text.encode()
    for one in find_cases():
        is_packed = one.extension in {"gz", "zip"}
        if is_packed if kind == "packed" else one.case.format == kind and not is_packed:
            yield one.feed
