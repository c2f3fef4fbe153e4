"""The columns of a CSV, also of those that no record fills."""

import csv
import io
from typing import BinaryIO

from gateway.adapters.broken import BrokenFeed, tell_nobody
from gateway.adapters.csv_columns import find_columns
from gateway.adapters.csv_encoding import find_encoding, skip_false_mark
from gateway.adapters.csv_header import find_delimiter, read_header
from gateway.adapters.csv_lines import Lines
from gateway.adapters.limits import Limits
from mappers.profile_model import Profile


def find_header_names(stream: BinaryIO, profile: Profile, limits: Limits) -> list[str]:
    """As the records name them; none where there is no header. ``stream`` is left at its start."""
    encoding = find_encoding(stream)
    skip_false_mark(stream, encoding)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    try:
        lines = Lines(text, limits.record_bytes)
        rows = csv.reader(lines, delimiter=find_delimiter(lines), strict=True)
        return read_header(lines, rows, find_columns(profile), limits, tell_nobody).names
    except BrokenFeed:
        return []
    finally:
        text.detach()  # the stream is the caller's to close
        stream.seek(0)
