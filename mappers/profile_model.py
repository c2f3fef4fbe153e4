"""A mapping profile: how one shape of CSV or XML feed becomes national events, as data.

A profile is a YAML file; these models are its schema (``Profile.model_json_schema()`` for an
editor). What they cannot say of one field alone is checked by ``mappers.profile_faults``.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.event import PATIENTS
from schemas.taxonomy import TAXONOMY_VERSIONS, ElementSpec, get_taxonomy

MEDICATIONS: Final = "MedicationDmd"
# Stands for the number in the column names of a repeated group.
PLACE: Final = "{n}"
REFERENCE: Final = "AdverseEventReferenceMetadata.ReferenceNumber"
ElementName = Annotated[str, Field(pattern=r"^[A-Za-z]+\.[A-Za-z]+$")]
Codes = dict[str, str]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Booleans(_Closed):
    """The words of a feed for true and false, whatever their case; the first is the one written."""

    true: list[str] = Field(["true", "yes", "1"], min_length=1)
    false: list[str] = Field(["false", "no", "0"], min_length=1)


class FieldRule(_Closed):
    """What becomes of one column, or of one element or attribute of the XML record. Short form:
    the national element alone."""

    to: ElementName = Field(description="Group.Element of the national taxonomy")
    separator: str | None = Field(
        None, min_length=1, description="what stands between several values; blanks do not count"
    )
    codes: Codes | str | None = Field(
        None, description="their code → national code ('' for nothing), or the name of a code list"
    )
    date_format: str | None = Field(None, description="of a date or time, as in strptime")
    booleans: Booleans | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"to": given} if isinstance(given, str) else given


class HeadRule(_Closed):
    """A field of the record as a whole. Short form: the field alone."""

    field: str
    codes: Codes | str | None = None
    date_format: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"field": given} if isinstance(given, str) else given


class RepeatedGroup(_Closed):
    """A group that occurs several times in a record. CSV: columns with ``{n}`` in their name,
    n from 1. XML: child elements ``at`` a path, the fields' paths starting there."""

    at: str | None = Field(None, description="XML only: path of the repeated element")
    number: str | None = Field(
        None, description="element that takes the n (CSV) or position (XML) where no field gives it"
    )
    elements: dict[str, FieldRule]


class Profile(_Closed):
    """A mapping profile. Fields are named by column (CSV) or by path from the record element
    (XML: ``what/agent``, ``what/@kind``, ``@id``); each is mapped, or ignored with a reason."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(min_length=1)
    format: Literal["csv", "xml"]
    description: str = ""
    record: str | None = Field(None, description="XML only: path from the root to the records")
    namespaces: dict[str, str] = Field(
        {}, description="XML only: prefix → namespace; '' for names without a prefix"
    )
    taxonomy_version: Literal["4", "5", "6"] | HeadRule = Field(
        description="a version, or the field that says it"
    )
    local_id: HeadRule | None = Field(None, description="the sender's own id of the record")
    event_type: HeadRule
    event_date: HeadRule | None = None
    narrative: HeadRule | None = None
    separator: str | None = Field(None, description="for every element that holds several values")
    escape: Literal["\\"] | None = Field(
        None, description="before a separator (or itself) inside one of several values"
    )
    booleans: Booleans = Booleans()
    code_lists: dict[str, Codes] = {}
    elements: dict[str, FieldRule] = {}
    patients: RepeatedGroup | None = None
    medications: RepeatedGroup | None = None
    constants: dict[ElementName, str | list[str]] = {}
    ignored: dict[str, str] = Field({}, description="field → why its content is not taken over")

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
        given = (self.local_id, self.event_type)
        return tuple(rule.field for rule in given if rule is not None)

    @property
    def repeated(self) -> dict[str, RepeatedGroup]:
        """The repeated groups, by the national group they fill."""
        given = {PATIENTS: self.patients, MEDICATIONS: self.medications}
        return {group: rule for group, rule in given.items() if rule is not None}

    def codes_of(self, rule: FieldRule | HeadRule) -> Codes | None:
        return self.code_lists[rule.codes] if isinstance(rule.codes, str) else rule.codes

    def separator_of(self, rule: FieldRule) -> str | None:
        return (rule.separator or self.separator or "").strip() or None


def find_spec(target: str, versions: tuple[str, ...]) -> ElementSpec | None:
    """What the taxonomy says of ``Group.Element``: its type and whether it holds several values
    are the same in every version that has it (held by a test)."""
    group, _, element = target.partition(".")
    found = (get_taxonomy(version).find_element(group, element) for version in versions)
    return next((spec for spec in found if spec is not None), None)
