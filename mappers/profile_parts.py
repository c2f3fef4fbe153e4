"""The parts a mapping profile is made of: rules for fields and groups, decision tables, what a
batch is expected to be."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from mappers.profile_terms import AgeUnit, Given, When

ElementName = Annotated[str, Field(pattern=r"^[A-Za-z]+\.[A-Za-z]+$")]
Codes = dict[str, str]


class Closed(BaseModel):
    """Takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Booleans(Closed):
    """The words of a feed for true and false, whatever their case; the first is the one written."""

    true: list[str] = Field(["true", "yes", "1"], min_length=1, description="words for true")
    false: list[str] = Field(["false", "no", "0"], min_length=1, description="words for false")


class Take(Closed):
    """Takes one piece of a text: it is cut at the separator, blanks around pieces do not count."""

    separator: str = Field(min_length=1, description="where the text is cut")
    part: int = Field(description="from 1; from the end: -1")


class FieldRule(Closed):
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


class HeadRule(Closed):
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


class Constant(Closed):
    """The same for every record."""

    value: str = Field(description="1 incident, 2 risk, 3 outcome, 4 good care")


def _tell_event_type(given: Any) -> str:
    says_value = isinstance(given, Constant) or (isinstance(given, dict) and "value" in given)
    return "a value" if says_value else "a field"


EventType = Annotated[
    Annotated[HeadRule, Tag("a field")] | Annotated[Constant, Tag("a value")],
    Discriminator(_tell_event_type),
]


class Case(Closed):
    """One case of a decision table: the value where the condition holds, or without one."""

    when: Given[When] = Field(None, description="absent: always, so the cases behind are idle")
    value: str | list[str] = Field(description="in national terms; '' for nothing")


class RepeatedGroup(Closed):
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


class RepeatedRows(Closed):
    """CSV only: rows with the same ``id`` are one record, wherever they stand in the file.
    ``keep`` all: they agree on what is of the record; newest: only the one with the newest date
    in ``by`` counts (of equals, the last)."""

    id: str = Field(description="the column that tells which rows belong together")
    keep: Literal["all", "newest"] = Field("all", description="which of them count")
    by: str | None = Field(None, description="keep: newest: a date, or a list of dates")
    separator: str | None = Field(None, description="between the dates of such a list")
    date_format: str | list[str] | None = Field(None, description="of the dates in 'by'")


class Range(Closed):
    """How many, from and to; both included."""

    min: int = Field(0, ge=0, description="at least")
    max: int | None = Field(None, ge=0, description="at most; absent: any number")


class Expectations(Closed):
    """What a batch is expected to be. One that is not waits for a decision and loads nothing."""

    records: Range = Field(Range(), description="how many records a batch has")
    rejected_at_most: float = Field(1, ge=0, le=1, description="share of the records, 0 to 1")


def as_list(rules: Rules) -> list[FieldRule]:
    """A field's rules, be it one or several."""
    return rules if isinstance(rules, list) else [rules]
