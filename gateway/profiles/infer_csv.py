"""How a CSV file is to be read, in words, and the names of its columns."""

import csv
import io
from typing import BinaryIO, Final

from gateway.adapters.broken import BrokenFeed, tell_nobody
from gateway.adapters.csv_columns import Columns
from gateway.adapters.csv_encoding import find_encoding, skip_false_mark
from gateway.adapters.csv_header import find_delimiter, read_header
from gateway.adapters.csv_lines import Lines
from gateway.adapters.limits import Limits
from gateway.profiles.infer_model import Layout
from schemas.catalogue import word_message
from schemas.errors import WrongUseError
from validation.identifiers_in_text import count_emails, count_nhs_numbers

_LONGEST_NAME: Final = 200
_FEWEST: Final = 2
_ENCODINGS: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "cp1252": "Windows-1252",
}
_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a pipe"}


def find_csv_layout(stream: BinaryIO, limits: Limits) -> Layout:
    """Encoding, delimiter and header, found by the reader of CSV itself; WrongUseError where there
    is no header, or what stands there is data."""
    encoding = find_encoding(stream)
    skip_false_mark(stream, encoding)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    csv.field_size_limit(max(csv.field_size_limit(), limits.record_bytes))
    try:
        lines = Lines(text, limits.record_bytes)
        delimiter = find_delimiter(lines)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        names = read_header(lines, rows, Columns(), limits, tell_nobody).names
    except BrokenFeed as error:
        raise WrongUseError(word_message(error.finding)) from None
    finally:
        text.detach()
        stream.seek(0)
    if len(names) < _FEWEST:
        raise WrongUseError("the first row has one cell only: not a CSV of columns with names")
    for name in names:
        # A draft names every column; these are somebody's, or a narrative.
        if count_nhs_numbers(f"NHS {name}") or count_emails(name) or len(name) > _LONGEST_NAME:
            raise WrongUseError("the first row holds no names of columns but data")
    said = [
        f"read as {_ENCODINGS.get(encoding, encoding.upper())}",
        f"{_DELIMITERS.get(delimiter, repr(delimiter))} between cells",
    ]
    return Layout(format="csv", said=said, names=names)
