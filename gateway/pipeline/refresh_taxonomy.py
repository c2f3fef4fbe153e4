"""Lay a taxonomy that a FHIR server gives beside the one that is shipped. Nothing here changes what
feeds are judged by: that is code and data of one release, the same in every process of a batch; a
candidate is a file for people, and for the next release."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from gateway.bootstrap import Gateway
from gateway.reference.taxonomy_api import TaxonomyApi
from gateway.reference.taxonomy_changes import TaxonomyChange, compare, count_uses
from gateway.reference.taxonomy_read import read_taxonomy
from gateway.reference.taxonomy_report import TaxonomyReport
from gateway.reference.upstream import Clock, Upstream
from schemas.errors import WrongUseError
from schemas.event import NationalEvent, decode_event
from schemas.identifiers import EVENT_ID_BITS
from schemas.taxonomy import TAXONOMY_VERSIONS, Taxonomy, get_taxonomy
from store.disk import failures_told

log = logging.getLogger(__name__)
_PER_SECOND: Final = 20.0
_END: Final = 2**EVENT_ID_BITS


@contextmanager
def open_taxonomy(
    gateway: Gateway, base: str, *, key_env: str | None = None, clock: Clock | None = None
) -> Iterator[TaxonomyApi]:
    """``key_env``: the environment variable with a key for it, sent as ``apikey``."""
    headers = {}
    if key_env is not None:
        key = gateway.find_secret(key_env)
        if not key:
            raise WrongUseError(f"the environment variable {key_env} is empty")
        headers["apikey"] = key
    upstream = Upstream(base, headers=headers, per_second=_PER_SECOND, clock=clock)
    try:
        yield TaxonomyApi(upstream)
    finally:
        upstream.close()


def refresh_taxonomy(
    gateway: Gateway, api: TaxonomyApi, base: str, version: str, *, writes: bool = False
) -> TaxonomyReport:
    """How the version differs from the shipped one, and how many stored events have what it
    removes. ``writes``: what was fetched is kept as a file in LRMS_HOME, in the form in which
    taxonomies are shipped; the same again is the same file. WrongUseError for a version that is
    not shipped: beside what should it be laid?"""
    if version not in TAXONOMY_VERSIONS:
        raise WrongUseError(f"--version {version!r}: one of {', '.join(TAXONOMY_VERSIONS)}")
    shipped = get_taxonomy(version)
    fetched = read_taxonomy(
        shipped, api.read("StructureDefinition", version), api.read("CodeSystem", version)
    )
    changes = _count_uses(gateway, compare(shipped, fetched), shipped)
    report = TaxonomyReport(version=version, base=base, fetched_at=gateway.now(), changes=changes)
    if not writes:
        return report
    path = _write(gateway, fetched)
    return msgspec.structs.replace(report, candidate=str(path))


def _count_uses(
    gateway: Gateway, changes: list[TaxonomyChange], shipped: Taxonomy
) -> list[TaxonomyChange]:
    with gateway.store.read() as work:
        found = work.contents.read([shipped.version], 0, _END)
        events: Iterator[NationalEvent] = (decode_event(one.payload) for one in found)
        return count_uses(changes, shipped, events)


def _write(gateway: Gateway, fetched: Taxonomy) -> Path:
    """Whole or not at all; named by the day and by what it holds."""
    encoded = msgspec.json.format(msgspec.json.encode(fetched), indent=1) + b"\n"
    digest = hashlib.sha256(encoded).hexdigest()
    day = gateway.now().date().isoformat()
    folder = gateway.settings.home / "taxonomy"
    path = folder / f"version_{fetched.version}.{day}.{digest[:8]}.json"
    with failures_told("the candidate could not be written"):
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_bytes(encoded)
        draft.replace(path)
    details = {"sha256": digest, "file": path.name}
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.audit.add("taxonomy.candidate", f"version {fetched.version}", details)
    log.info("a candidate of taxonomy version %s is written", fetched.version)
    return path
