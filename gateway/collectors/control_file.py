"""The control file (``X.ctl``) that the MESH Java client puts beside ``X.dat``: DTSControl in XML
(digital.nhs.uk, MESH "Setting up control files", read 2026-11)."""

from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

from gateway.collectors.far_end import RefusedError

MOST_BYTES: Final = 64 * 1024
_MOST_DEPTH: Final = 3
_ROOT: Final = "DTSControl"
# As the client writes them where the transfer went well.
_GOOD: Final = ("", "SUCCESS")


class ControlFile:
    """Its elements by name; those of the StatusRecord as ``StatusRecord/Event``."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = fields

    def get(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def is_report(self) -> bool:
        """It tells of a message that we sent: there is no feed."""
        return self.get("MessageType").upper() == "REPORT"

    @property
    def is_encrypted(self) -> bool:
        return self.get("Encrypted").upper() in {"Y", "TRUE"}

    def check(self) -> None:
        """RefusedError where it says what cannot be, or what we cannot read."""
        if self.get("Version") not in {"", "1.0"}:
            raise RefusedError("bad-control-file")
        if self.get("MessageType").upper() not in {"DATA", "REPORT"}:
            raise RefusedError("bad-control-file")
        if self.get("StatusRecord/Status").upper() not in _GOOD and not self.is_report:
            raise RefusedError("bad-control-file")


def parse_control_file(text: bytes) -> ControlFile:
    """RefusedError where it is no control file. A DOCTYPE is refused before any entity is built."""
    if len(text) > MOST_BYTES:
        raise RefusedError("bad-control-file")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.take
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError, LookupError):
        # LookupError: an encoding that nobody knows.
        raise RefusedError("bad-control-file") from None
    return ControlFile(reader.fields)


class _Reader:
    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._path: list[str] = []
        self._text = ""

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        if (not self._path and name != _ROOT) or len(self._path) == _MOST_DEPTH:
            raise RefusedError("bad-control-file")
        self._path.append(name)
        self._text = ""

    def end(self, _name: str) -> None:
        path = "/".join(self._path[1:])
        self._path.pop()
        text, self._text = self._text.strip(), ""
        if not path or not text:
            return
        # Said twice it could mean either.
        if path in self.fields:
            raise RefusedError("bad-control-file")
        self.fields[path] = text

    def take(self, text: str) -> None:
        self._text += text

    def refuse(self, *_: object) -> None:
        raise RefusedError("bad-control-file")
