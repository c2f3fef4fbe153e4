"""The coverage of a file by a profile, as data: what reports are written from."""

import msgspec

from gateway.profiles.field_uses import UseKind
from gateway.profiles.sharing import MIN_COUNT, ValuesTold
from mappers.profile_faults.todo import TODO
from schemas.finding import Severity
from schemas.receipt import ReceiptFinding
from schemas.submission import FeedFormat


class FieldCoverage(msgspec.Struct, frozen=True):
    """``share`` of the readable records in which the field is filled, 0 to 1."""

    name: str
    use: UseKind
    targets: list[str]
    reason: str
    filled: int
    share: float

    @property
    def is_undecided(self) -> bool:
        """A draft left it out for want of a better idea."""
        return self.use == "ignored" and self.reason.startswith(TODO)


class FindingCount(msgspec.Struct, frozen=True):
    code: str
    severity: Severity
    title: str
    records: int
    times: int


class UncodedField(msgspec.Struct, frozen=True):
    """``are_names``: of organisations, which the register does not know."""

    field: str
    targets: list[str]
    values: ValuesTold
    are_names: bool = False


class UnreadableShape(msgspec.Struct, frozen=True):
    """How values are written that could not be read: 9 a digit, A and a letters."""

    field: str
    code: str
    title: str
    shape: str
    count: int


class ElementCount(msgspec.Struct, frozen=True):
    element: str
    records: int


class Expectation(msgspec.Struct, frozen=True):
    what: str
    expected: str
    found: str
    is_met: bool


class Coverage(msgspec.Struct, frozen=True):
    """``never_filled``: elements that the profile maps and no record fills; ``never_mapped``:
    those the taxonomy has besides, of the versions met. ``feed``: findings on the file
    as a whole. ``organisations_asked``: whether the register was. ``gaps``: what can be said
    against the profile itself."""

    file: str
    format: FeedFormat
    profile: str
    profile_version: str
    source: str | None
    taxonomy_versions: list[str]
    organisations_asked: bool
    records: int
    mapped: int
    accepted: int
    rejected: int
    unreadable: int
    findings: list[FindingCount]
    fields: list[FieldCoverage]
    never_filled: list[str]
    never_mapped: list[str]
    uncoded: list[UncodedField]
    unreadable_shapes: list[UnreadableShape]
    derived: list[ElementCount]
    expectations: list[Expectation]
    feed: list[ReceiptFinding]
    gaps: list[str]
    min_count: int = MIN_COUNT

    @property
    def unknown(self) -> list[FieldCoverage]:
        """Fields of the file that the profile does not name."""
        return [field for field in self.fields if field.use == "unknown"]

    @property
    def used(self) -> list[FieldCoverage]:
        return [field for field in self.fields if field.use in ("mapped", "asked")]

    @property
    def has_unknown(self) -> bool:
        return bool(self.unknown or self.uncoded)
