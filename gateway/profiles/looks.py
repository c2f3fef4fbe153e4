"""What a file looks like by its first bytes, whatever it is said to be."""

from typing import BinaryIO, Final, Literal

from schemas.submission import FeedFormat

Look = Literal["empty", FeedFormat]
_HEAD: Final = 16 * 1024
# Marks of encodings, zeros (of two bytes a character one is zero: only the other matters), blanks.
_BEFORE: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"


def find_look(stream: BinaryIO) -> Look:
    """Nothing that begins like JSON or XML is taken for CSV, though it could be one."""
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(0)
    start = head.lstrip(_BEFORE)
    if not start:
        return "empty"
    if start.startswith(b"<"):
        return "fhir" if b"http://hl7.org/fhir" in head.replace(b"\0", b"") else "xml"
    if start.startswith((b"{", b"[")):
        return "fhir" if b'"resourceType"' in head else "json"
    return "csv"
