"""Cuts a feed into parts that can be read, and loaded, apart from one another: in one pass, which
counts its records too. Where a feed cannot be cut so that reading its parts gives what reading all
of it would, it is one part."""

from typing import BinaryIO

from gateway.adapters.around import write_around
from gateway.adapters.csv_parts import index_csv
from gateway.adapters.indexing import Index, Piece
from gateway.adapters.json_parts import index_fhir_json, index_json
from gateway.adapters.limits import Limits
from gateway.adapters.line_parts import index_lines
from gateway.adapters.xml_parts import index_fhir_xml, index_xml
from mappers.profile_model import Profile
from schemas.batch import Part, Shape
from schemas.errors import WrongUseError


def index_feed(
    stream: BinaryIO,
    shape: Shape,
    profile: Profile | None,
    limits: Limits,
    *,
    size: int,
    part_bytes: int,
    before: int = 0,
) -> Index:
    """Of bytes 0 to ``size``. ``part_bytes``: about as many at most in a part. ``before``: records
    of the batch that came before this feed."""
    index = Index(before=before)
    # Of one size: nobody is to wait for whoever got the last whole one. Of more than its share,
    # or what breaks off at the very end would be a part of its own.
    parts = max(-(-size // part_bytes), 1)
    sizes = {"size": size, "part_bytes": size // parts + 1}
    if shape in ("fhir-ndjson", "ndjson"):
        index_lines(stream, index, limits, **sizes)
    elif shape == "fhir-json":
        index_fhir_json(stream, index, limits, **sizes)
    elif shape == "fhir-xml":
        index_fhir_xml(stream, index, limits, **sizes)
    elif profile is None:
        raise WrongUseError(f"a feed of shape {shape} needs a mapping profile")
    elif shape == "csv":
        index_csv(stream, index, profile, limits, **sizes)
    elif shape == "xml":
        index_xml(stream, index, profile, limits, **sizes)
    else:
        index_json(stream, index, profile, limits, **sizes)
    return index


def make_parts(index: Index, *, batch_number: int, size: int) -> list[Part]:
    """The parts of an indexed feed, numbered from 0; without the hashes of their bytes."""
    pieces = index.pieces or [Piece(0, size, index.before + 1, 1)]
    return [
        Part(
            batch_number=batch_number,
            number=number,
            start=piece.start,
            end=piece.end,
            first_record=piece.first_record,
            first_line=piece.first_line,
            around=write_around(piece.around) if piece.around else "",
        )
        for number, piece in enumerate(pieces)
    ]
