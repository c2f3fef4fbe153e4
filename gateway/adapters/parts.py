"""Cuts a feed into parts that can be read, and loaded, apart from one another."""

from typing import BinaryIO

from schemas.batch import Part, Shape

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def cut_into_parts(
    stream: BinaryIO, shape: Shape, *, batch_number: int, size: int, part_bytes: int
) -> list[Part]:
    """NDJSON is cut at line ends into parts of about ``part_bytes``; other shapes are one part
    (their records are found only by reading from the start)."""
    if shape not in ("fhir-ndjson", "ndjson") or size <= part_bytes:
        return [Part(batch_number=batch_number, number=0, start=0, end=size)]
    stream.seek(0)
    parts: list[Part] = []
    start = position = 0
    first_record = next_record = first_line = next_line = 1
    # Lines are read in bounded pieces, so that one endless line cannot fill the memory.
    at_line_start, filled = True, False
    while piece := stream.readline(part_bytes):
        if at_line_start:
            if position - start >= part_bytes:
                parts.append(_part(batch_number, parts, start, position, first_record, first_line))
                start, first_record, first_line = position, next_record, next_line
            filled = False
        mark = _BYTE_ORDER_MARK if position == 0 else b""
        filled = filled or bool(piece.removeprefix(mark).strip())
        position += len(piece)
        at_line_start = piece.endswith(b"\n")
        if at_line_start:
            next_record, next_line = next_record + filled, next_line + 1
    parts.append(_part(batch_number, parts, start, position, first_record, first_line))
    return parts


def _part(
    batch_number: int, before: list[Part], start: int, end: int, first_record: int, first_line: int
) -> Part:
    return Part(
        batch_number=batch_number,
        number=len(before),
        start=start,
        end=end,
        first_record=first_record,
        first_line=first_line,
    )
