"""What is found out about a feed: the nouns of ``profile infer``, as its ``--json`` shows them."""

from typing import Literal, NamedTuple

import msgspec

FeedFormat = Literal["csv", "xml", "json"]
Kind = Literal[
    "empty",
    "date",
    "short year",  # a date whose year has two digits
    "time",
    "boolean",
    "integer",
    "number",
    "age",  # in words, such as "3 months"
    "ods code",
    "code",  # few different values
    "text",
    "person",  # values that identify somebody: NHS numbers, names, addresses
]


class Field(msgspec.Struct, kw_only=True):
    """One field of the feed. ``filled`` is the share of records that have it; ``different`` how
    many values it has, each piece counted where ``separator`` cuts cells; ``several`` how many one
    record has at most, not counting pieces. ``formats`` of a date or
    time are the engine's names. ``ambiguous``: days and months could be the other way round."""

    name: str
    filled: float
    different: int
    several: int = 1
    kind: Kind
    formats: list[str] = []
    ambiguous: bool = False
    separator: str | None = None
    unique: bool = False
    median_length: int = 0
    longest: int = 0


class Column(NamedTuple):
    """A field and its values with how often each occurs. The values stay in here: only what
    ``infer_codes`` finds to be codes is ever shown."""

    field: Field
    values: dict[str, int]


class Surroundings(NamedTuple):
    """What one field cannot tell: its place among the others. ``longest`` is the longest median
    length of a text in the feed; ``id`` the column that tells rows of one record."""

    version: str
    longest: int
    first: str
    id: str | None


class Code(msgspec.Struct, kw_only=True):
    """One value of a coded field. ``national`` is None where nothing like it is in the value set;
    what is not ``certain`` is for a person to decide. ``theirs`` is None where the value may
    not be shown."""

    theirs: str | None
    seen: int
    national: str | None = None
    label: str = ""
    certain: bool = False


class Guess(msgspec.Struct, kw_only=True):
    """Where a field probably belongs: a national element, or a part of the record's head."""

    target: str
    confidence: float
    evidence: str


class AgeUnits(msgspec.Struct, kw_only=True):
    """Which field says the unit of an age: unit as a profile has it → the feed's words."""

    field: str
    words: dict[str, list[str]]


class FieldDraft(msgspec.Struct, kw_only=True):
    """A field with what the draft does with it. ``guess`` is None where it is left to be decided;
    ``runner_up`` is then the best there was."""

    field: Field
    guess: Guess | None = None
    runner_up: Guess | None = None
    codes: list[Code] = []
    by_label: bool = False  # the values are labels, or words: a code map is needed
    age: str | None = None
    units: AgeUnits | None = None
    by_name: bool = False
    booleans: tuple[str, str] | None = None  # its words for true and false
    repeated: str | None = None  # the national group whose repeats it stands in
    person: bool = False
    reason: str = ""  # why it is left to be decided
    is_time_too: bool = False  # the date of the event with a time of day
    settled: str = ""  # why it fills nothing, and nothing is left to be decided


class Repeats(msgspec.Struct, kw_only=True):
    """A group of the feed that occurs several times in a record: XML and JSON ``at`` a path,
    CSV in numbered columns (``at`` None), and which national group it is. Only those count that
    have one of ``values`` in the field ``asked``, where there is one; ``others`` are those it has
    besides, as far as they may be shown."""

    group: str
    at: str | None = None
    asked: str = ""
    values: list[str] = []
    others: list[str] = []


class Rows(msgspec.Struct, kw_only=True):
    """CSV: several rows a record, told by ``id``; ``by`` names the newest where rows are versions
    of one another."""

    id: str
    records: int
    by: str | None = None
    separator: str | None = None
    formats: list[str] = []
    differing: list[str] = []


class Layout(msgspec.Struct, kw_only=True):
    """How the bytes are read. ``said`` are words for people: encoding, delimiter."""

    format: FeedFormat
    said: list[str] = []
    record: str | None = None
    namespaces: dict[str, str] = {}
    names: list[str] = []  # CSV: the header
    predicates: list[str] = []  # XML: elements told apart by an attribute, as Field[@name='']


class Derived(msgspec.Struct, kw_only=True):
    """What an element that nothing fills could be concluded from: national code → values of a
    field. A proposal only."""

    target: str
    field: str
    values: dict[str, list[str]]
    labels: dict[str, str]


class Draft(msgspec.Struct, kw_only=True):
    """The whole analysis."""

    name: str
    filename: str
    taxonomy_version: str
    layout: Layout
    records: int
    is_sample: bool
    fields: list[FieldDraft]
    rows: Rows | None = None
    repeats: list[Repeats] = []
    derived: list["Derived"] = []
    todo: list[str] = []
