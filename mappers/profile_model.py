"""A mapping profile: how one shape of CSV, XML or JSON feed becomes national events, as data.

A profile is a YAML file; these models are its schema (``mappers.profile_schema`` publishes it for
editors). What they cannot say of one field alone is checked by ``mappers.profile_faults``.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from mappers.profile_terms import AgeUnit, Given, When
from schemas.event import PATIENTS
from schemas.taxonomy import TAXONOMY_VERSIONS, ElementSpec, get_taxonomy

MEDICATIONS: Final = "MedicationDmd"
# Stands for the number in the column names of a repeated group.
PLACE: Final = "{n}"
# In the content of a CSV record made of several rows: the fields of each row that are its own.
# No column can be so named.
ROWS: Final = "\0rows"
REFERENCE: Final = "AdverseEventReferenceMetadata.ReferenceNumber"
ElementName = Annotated[str, Field(pattern=r"^[A-Za-z]+\.[A-Za-z]+$")]
Codes = dict[str, str]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Booleans(_Closed):
    """The words of a feed for true and false, whatever their case; the first is the one written."""

    true: list[str] = Field(["true", "yes", "1"], min_length=1, description="words for true")
    false: list[str] = Field(["false", "no", "0"], min_length=1, description="words for false")


class Take(_Closed):
    """Takes one piece of a text: it is cut at the separator, blanks around pieces do not count."""

    separator: str = Field(min_length=1, description="where the text is cut")
    part: int = Field(description="from 1; from the end: -1")


class FieldRule(_Closed):
    """What becomes of one field: a column (CSV), an element or attribute of the record (XML), a
    pointer (JSON). A field may have several, all of which are followed. Several fields may fill
    one element: lists are joined; for a single value they must agree, or it is a finding. Short
    form: the national element alone."""

    to: ElementName = Field(description="Group.Element of the national taxonomy")
    when: Given[When] = Field(
        None, description="only where this holds; a list: where any of them does"
    )
    take: Take | None = Field(None, description="one piece of the text, before anything else")
    separator: str | None = Field(
        None, min_length=1, description="what stands between several values; blanks do not count"
    )
    codes: Codes | str | None = Field(
        None, description="their code → national code ('' for nothing), or the name of a code list"
    )
    date_format: str | list[str] | None = Field(
        None,
        description="of a date or time: a named format (DD/MM/YYYY, ISO …) or one as in strptime;"
        " of several, the first that fits",
    )
    booleans: Booleans | None = Field(None, description="its own words for true and false")
    age: AgeUnit | None = Field(
        None,
        description="the field is an age in this unit, a text such as '3 months', or a date of"
        " birth (its date_format); it becomes the national encoding",
    )
    by_name: bool = Field(
        False,
        description="the field names an organisation instead of giving its ODS code; names that"
        " the register writes otherwise stand under codes",
    )
    heading: str | None = Field(
        None, description="text elements only: this field's text follows that of others, under it"
    )
    derived: bool = Field(
        False, description="the feed does not say this itself: marked derived in the provenance"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"to": given} if isinstance(given, str) else given


def _tell_rules(given: Any) -> str:
    return "several rules" if isinstance(given, list) else "a rule"


# Told apart by what stands there, so that a fault is named once and not for each alternative.
# The tags are no keys of a profile.
Rules = Annotated[
    Annotated[FieldRule, Tag("a rule")]
    | Annotated[list[FieldRule], Field(min_length=1), Tag("several rules")],
    Discriminator(_tell_rules),
]


class HeadRule(_Closed):
    """A field of the record as a whole; it may fill elements too. Short form: the field alone."""

    field: str = Field(description="the column, path or pointer")
    codes: Codes | str | None = Field(
        None, description="event_type, taxonomy_version: their code → national code, or a list"
    )
    date_format: str | list[str] | None = Field(
        None, description="event_date: as in a rule of 'elements'"
    )
    more: dict[str, str] = Field(
        {}, description="narrative only: further field → the heading its text follows under"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"field": given} if isinstance(given, str) else given


class Constant(_Closed):
    """The same for every record."""

    value: str = Field(description="1 incident, 2 risk, 3 outcome, 4 good care")


def _tell_event_type(given: Any) -> str:
    says_value = isinstance(given, Constant) or (isinstance(given, dict) and "value" in given)
    return "a value" if says_value else "a field"


EventType = Annotated[
    Annotated[HeadRule, Tag("a field")] | Annotated[Constant, Tag("a value")],
    Discriminator(_tell_event_type),
]


class Case(_Closed):
    """One case of a decision table: the value where the condition holds, or without one."""

    when: Given[When] = Field(None, description="absent: always, so the cases behind are idle")
    value: str | list[str] = Field(description="in national terms; '' for nothing")


class RepeatedGroup(_Closed):
    """A group that occurs several times in a record. CSV: columns with ``{n}`` in their name, n
    from 1, or ``rows: true``, one row each. XML and JSON: elements or items ``at`` a path, the
    fields' paths starting there. Without any of these its fields stand in the record itself, and
    are of the first (a system that knows one patient an incident)."""

    at: str | None = Field(None, description="XML, JSON: path of the repeated element or list")
    rows: bool = Field(False, description="CSV: each row of the record (see 'rows') gives one")
    when: Given[When] = Field(None, description="those for which this does not hold are left out")
    number: str | None = Field(
        None, description="element that takes the n or the position where no field gives it"
    )
    elements: dict[str, Rules] = Field(description="field → element of this group")


class RepeatedRows(_Closed):
    """CSV only: rows with the same ``id`` are one record, wherever they stand in the file.
    ``keep`` all: they agree on what is of the record; newest: only the one with the newest date
    in ``by`` counts (of equals, the last)."""

    id: str = Field(description="the column that tells which rows belong together")
    keep: Literal["all", "newest"] = Field("all", description="which of them count")
    by: str | None = Field(None, description="keep: newest: a date, or a list of dates")
    separator: str | None = Field(None, description="between the dates of such a list")
    date_format: str | list[str] | None = Field(None, description="of the dates in 'by'")


class Range(_Closed):
    """How many, from and to; both included."""

    min: int = Field(0, ge=0, description="at least")
    max: int | None = Field(None, ge=0, description="at most; absent: any number")


class Expectations(_Closed):
    """What a batch is expected to be. One that is not waits for a decision and loads nothing."""

    records: Range = Field(Range(), description="how many records a batch has")
    rejected_at_most: float = Field(1, ge=0, le=1, description="share of the records, 0 to 1")


class Profile(_Closed):
    """A mapping profile. Fields are named by column (CSV), by path from the record element (XML:
    ``what/agent``, ``what/@kind``, ``field[@name='x']``) or by pointer from the record (JSON:
    ``/what/agent``); each is mapped, or ignored with a reason."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", description="that of its folder, or of its file"
    )
    version: str = Field(
        min_length=1, description="raise it with every change: receipts and events name it"
    )
    format: Literal["csv", "xml", "json"] = Field(description="of the feed")
    extends: str | None = Field(
        None,
        description="the profile this one changes: what stands here is added to it or replaces"
        " it, '~' takes away",
    )
    description: str = Field("", description="for people: whose feed this is, and what it holds")
    record: str | None = Field(
        None,
        description="XML: path from the root to the records. JSON: pointer to the list of records,"
        " '' for the document itself (NDJSON needs none: a record a line)",
    )
    namespaces: dict[str, str] = Field(
        {}, description="XML only: prefix → namespace; '' for names without a prefix"
    )
    taxonomy_version: Literal["4", "5", "6"] | HeadRule = Field(
        description="a version, or the field that says it"
    )
    local_id: HeadRule | None = Field(None, description="the sender's own id of the record")
    event_type: EventType = Field(
        description="the field that tells incident (1), risk (2), outcome (3), good care (4)"
    )
    event_date: HeadRule | None = Field(None, description="the day it happened")
    narrative: HeadRule | None = Field(None, description="what happened, in the sender's words")
    rows: RepeatedRows | None = Field(None, description="CSV: several rows make one record")
    separator: str | None = Field(None, description="for every element that holds several values")
    escape: Literal["\\"] | None = Field(
        None, description="before a separator (or itself) inside one of several values"
    )
    booleans: Booleans = Field(Booleans(), description="the feed's words for true and false")
    code_lists: dict[str, Codes] = Field(
        {}, description="by name; or the CSV file beside the profile (columns theirs, national)"
    )
    elements: dict[str, Rules] = Field({}, description="field → national element")
    patients: RepeatedGroup | None = Field(None, description="fields → PatientInformation")
    medications: RepeatedGroup | None = Field(None, description="fields → MedicationDmd")
    derive: dict[ElementName, list[Case]] = Field(
        {}, description="element → the first case that holds, where no field fills the element"
    )
    constants: dict[ElementName, str | list[str]] = Field(
        {}, description="element → its value in every record, marked derived"
    )
    ignored: dict[str, str] = Field({}, description="field → why its content is not taken over")
    expectations: Expectations = Field(
        Expectations(), description="of a batch; one that does not meet them waits for a decision"
    )

    @field_validator("taxonomy_version", mode="before")
    @classmethod
    def _known_version(cls, given: Any) -> Any:
        if isinstance(given, str) and given.isdecimal() and given not in TAXONOMY_VERSIONS:
            versions = ", ".join(TAXONOMY_VERSIONS)
            raise ValueError(f"taxonomy versions are {versions}; a field so named: {{field: ...}}")
        return given

    def __hash__(self) -> int:
        """So that what is compiled from a profile can be kept; equality compares everything."""
        return hash((self.name, self.version))

    @property
    def versions(self) -> tuple[str, ...]:
        """The taxonomy versions its records may have."""
        given = self.taxonomy_version
        return (given,) if isinstance(given, str) else TAXONOMY_VERSIONS

    @property
    def heads(self) -> dict[str, HeadRule]:
        """The fields of the record as a whole, by what they say."""
        names = ("taxonomy_version", "local_id", "event_type", "event_date", "narrative")
        rules = {name: getattr(self, name) for name in names}
        return {name: rule for name, rule in rules.items() if isinstance(rule, HeadRule)}

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields without which no record can be told what it is, or known again."""
        given = [rule.field for name, rule in self.heads.items() if name in _NEEDED]
        return tuple(dict.fromkeys([*given, *([self.rows.id] if self.rows else [])]))

    @property
    def repeated(self) -> dict[str, RepeatedGroup]:
        """The repeated groups, by the national group they fill."""
        given = {PATIENTS: self.patients, MEDICATIONS: self.medications}
        return {group: rule for group, rule in given.items() if rule is not None}

    @property
    def row_fields(self) -> frozenset[str]:
        """The columns that belong to one row of a record, not to the record as a whole."""
        groups = [group for group in self.repeated.values() if group.rows]
        names = {name for group in groups for name in group.elements}
        for group in groups:
            names |= {name for one in group.when or () for name in one}
            for rules in group.elements.values():
                names |= {
                    name for rule in as_list(rules) for one in rule.when or () for name in one
                }
        of_record = {rule.field for rule in self.heads.values()} | self.elements.keys()
        return frozenset(names - of_record)

    def codes_of(self, rule: FieldRule | HeadRule) -> Codes | None:
        return self.code_lists[rule.codes] if isinstance(rule.codes, str) else rule.codes

    def separator_of(self, rule: FieldRule) -> str | None:
        return (rule.separator or self.separator or "").strip() or None


_NEEDED = ("local_id", "event_type")


def as_list(rules: Rules) -> list[FieldRule]:
    """A field's rules, be it one or several."""
    return rules if isinstance(rules, list) else [rules]


def find_spec(target: str, versions: tuple[str, ...]) -> ElementSpec | None:
    """What the taxonomy says of ``Group.Element``: its type and whether it holds several values
    are the same in every version that has it (held by a test)."""
    group, _, element = target.partition(".")
    found = (get_taxonomy(version).find_element(group, element) for version in versions)
    return next((spec for spec in found if spec is not None), None)
