"""What an answer must not show: the inside of the server, the key, the event it refuses."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gateway.conformance.answer import Answer
from gateway.conformance.report_model import Fault

# How the usual languages write where they failed.
_TRACES: Final = {
    "Python": re.compile(r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+"),
    "Java": re.compile(r"\bat [\w.$]+\([\w$]+\.(?:java|kt):\d+\)|\bjava\.\w+\.\w+Exception"),
    ".NET": re.compile(r"\bat [\w.<>`]+\(.*\) in .+:line \d+|\bSystem\.\w*Exception\b"),
    "JavaScript": re.compile(r"\bat .+ \(?(?:/|file:|node:)[^)]*:\d+:\d+\)?"),
    "PHP": re.compile(r"\b(?:Fatal error|Warning): .+ on line \d+|\.php:\d+"),
    "SQL": re.compile(r"\b(?:psycopg|sqlalchemy|sqlite3|ORA-\d{5}|SQLSTATE)\b", re.IGNORECASE),
}
_BANNERS: Final = ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "via")
_VERSION: Final = re.compile(r"\d")


def find_leaks(answer: Answer, values: Mapping[str, str], key: str) -> Iterator[Fault]:
    """What should not stand in the answer; the fault never quotes it."""
    text = answer.text
    for language, pattern in _TRACES.items():
        if pattern.search(text):
            yield Fault("body", "nothing of the server's inside", f"a stack trace ({language})")
    for name in _BANNERS:
        value = answer.headers.get(name, "")
        if _VERSION.search(value) or (value and name == "x-powered-by"):
            yield Fault(f"header {name}", "no banner with a version", value)
    everything = "\n".join([text, *answer.headers.values()])
    if key in everything:
        yield Fault("answer", "the key is not shown", "the subscription key")
    if values["marker"] in everything:
        yield Fault("answer", "nothing of the event's text", "the marked word of the narrative")
