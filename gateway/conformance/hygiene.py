"""What an answer must not show: the inside of the server, the key, the event it refuses."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.conformance.answer import Answer
from gateway.conformance.matching import shorten
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


def find_leaks(answer: Answer, key: str) -> Iterator[Fault]:
    """Traces, banners and the key; no fault quotes what it found."""
    for language, pattern in _TRACES.items():
        if pattern.search(answer.text):
            yield Fault("body", "nothing of the server's inside", f"a stack trace ({language})")
    for name in _BANNERS:
        value = answer.headers.get(name, "")
        if _VERSION.search(value) or (value and name == "x-powered-by"):
            yield Fault(f"header {name}", "no banner with a version", shorten(value))
    if key in _all_of(answer):
        yield Fault("answer", "the key is not shown", "the subscription key")


def find_echo(answer: Answer, marker: str) -> Iterator[Fault]:
    """``marker``: a word of the event's narrative."""
    if marker in _all_of(answer):
        yield Fault("answer", "nothing of the event's text", "the marked word of the narrative")


def _all_of(answer: Answer) -> str:
    return "\n".join([answer.text, *answer.headers.values()])
