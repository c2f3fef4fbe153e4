"""What a server answered, whichever way it was asked."""

import csv
import io
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """``status`` 0: none came, and ``silence`` says why: ``closed`` (the connection ended),
    ``late`` (no more time) or ``untrusted`` (TLS failed). Header names are in lower case; a header
    that came several times is one, joined by commas."""

    status: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    milliseconds: int = 0
    silence: str = ""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @cached_property
    def document(self) -> Any:
        """The body as JSON has it: NDJSON is a list, CSV a list of objects. None where it cannot
        be read as what it says it is."""
        try:
            if self.media_type == "text/csv":
                return list(csv.DictReader(io.StringIO(self.text, newline="")))
            if "ndjson" in self.media_type:
                return [json.loads(line) for line in self.body.splitlines() if line.strip()]
            return json.loads(self.body)
        except (ValueError, RecursionError, csv.Error):
            return None


def find_header(headers: Mapping[str, str], name: str) -> list[str]:
    """The value of the header, in a list; an empty one where it did not come."""
    value = headers.get(name.lower())
    return [] if value is None else [value]
