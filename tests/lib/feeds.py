"""Feeds as bytes: made by the generator, and put together from lines."""

import io
import json
from collections.abc import Iterable
from typing import Any

from gateway.generator import write_feed


def generate(form: str = "fhir-5", events: int = 12, seed: int = 5, **options: Any) -> bytes:
    """``options`` as ``write_feed`` takes them: how many errors, how many duplicates."""
    stream = io.BytesIO()
    write_feed(stream, events=events, format=form, seed=seed, **options)
    return stream.getvalue()


def make_bundle(lines: Iterable[bytes], kind: str = "batch") -> bytes:
    """Of resources, one a line."""
    entries = [{"resource": json.loads(line)} for line in lines]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()
