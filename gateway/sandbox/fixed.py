"""What is the same in every sandbox: invented organisations, sources, and keys that are printed in
docs/vendors/sandbox.md."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from gateway.generator.organisations import make_register
from schemas.sandbox import KEY_PREFIX, FixedKey, FixedSet
from schemas.submission import Grant, Source

_GIVEN_BY: Final = "the sandbox"
FHIR: Final = Source(
    id="sandbox-fhir", organisation="RZA", format="fhir", submits_for=frozenset({"RZA"})
)
CSV: Final = Source(
    id="sandbox-csv",
    organisation="RZA",
    format="csv",
    profile="lrms-csv",
    submits_for=frozenset({"RZA"}),
)
XML: Final = Source(
    id="sandbox-xml",
    organisation="RZA",
    format="xml",
    profile="lrms-xml",
    submits_for=frozenset({"RZA"}),
)
# One system of several organisations: of these, one lets it submit no more.
SHARED: Final = Source(
    id="sandbox-shared",
    organisation="RZB",
    format="fhir",
    submits_for=frozenset({"RZB", "RZC", "RZD"}),
    grants=(
        Grant("RZC", date(2024, 4, 1), date(2025, 3, 31), _GIVEN_BY),
        Grant("RZD", date(2025, 4, 1), None, _GIVEN_BY),
    ),
)
SOURCES: Final = (FHIR, CSV, XML, SHARED)
_ENDED: Final = datetime(2025, 4, 1, tzinfo=UTC)


def make_key(name: str) -> str:
    """Of the length of a real one, and unmistakable."""
    return f"{KEY_PREFIX}{name}_{'0' * (32 - len(name))}"


def _make_key(source: Source, name: str, *, expires_at: datetime | None = None) -> FixedKey:
    return FixedKey(
        id=f"k-sandbox-{name}",
        source_id=source.id,
        secret=make_key(name),
        label="expired" if expires_at else "fixed",
        expires_at=expires_at,
    )


KEYS: Final = (
    _make_key(FHIR, "fhir"),
    _make_key(CSV, "csv"),
    _make_key(XML, "xml"),
    _make_key(SHARED, "shared"),
    # Good for one answer: 401.
    _make_key(FHIR, "old", expires_at=_ENDED),
)


@lru_cache(maxsize=1)
def get_fixed() -> FixedSet:
    return FixedSet(tuple(make_register()), SOURCES, KEYS)
