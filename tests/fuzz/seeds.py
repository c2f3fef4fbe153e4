"""What fuzzing starts from: the hostile feeds, and sound ones, by target."""

from collections.abc import Iterator

from samples.makers.hostile.__main__ import find_cases
from samples.makers.hostile.sound import make_bundle, make_csv, make_json, make_lines, make_xml

# Of what a target reads, the words that matter to its reader.
TOKENS = {
    "fhir": ['{"', '":', "[", "]", "}", ",", "\\ud800", '"entry":', "null", "1e999", "\n"],
    "csv": [",", '"', "\n", "\r", "\r\n", ";", "\t", "\x00", "sep=;\n", "\ufeff", '""'],
    "xml": ["<", ">", "</", "/>", "<![CDATA[", "]]>", "<!--", "&", "&#0;", "<!DOCTYPE x>", "<?x?>"],
    "json": ['{"', '":', "[", "]", "}", ",", "NaN", "-", "1e9", '"incidents":', "\n", "\\u0000"],
}
_MOST = 20_000


def find_seeds(target: str) -> list[bytes]:
    return [seed for seed in _find_all(target.partition("-")[0]) if len(seed) <= _MOST]


def _find_all(feed_format: str) -> Iterator[bytes]:
    sound = {
        "fhir": [make_lines(), make_bundle()],
        "csv": [make_csv(), make_csv(";", "\r\n")],
        "xml": [make_xml()],
        "json": [make_json(), "\n".join(make_json().split(", {"))],
    }
    for text in sound[feed_format]:
        yield text.encode()
    for one in find_cases():
        if one.case.format == feed_format:
            yield one.feed
