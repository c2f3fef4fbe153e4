"""A mapping profile: how one shape of CSV, XML or JSON feed becomes national events, as data.

A profile is a YAML file; these models are its schema (``mappers.profile_schema`` publishes it for
editors). What they cannot say of one field alone is checked by ``mappers.profile_faults``.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

from pydantic import (
    Field,
    field_validator,
)

from mappers.profile_parts import (
    Booleans,
    Case,
    Closed,
    Codes,
    ElementName,
    EventType,
    Expectations,
    FieldRule,
    HeadRule,
    RepeatedGroup,
    RepeatedRows,
    Rules,
    as_list,
)
from mappers.profile_terms import When
from schemas.event import PATIENTS
from schemas.taxonomy import TAXONOMY_VERSIONS, ElementSpec, get_taxonomy

MEDICATIONS: Final = "MedicationDmd"
# Stands for the number in the column names of a repeated group.
PLACE: Final = "{n}"
# In the content of a CSV record made of several rows: the fields of each row that are its own.
# No column can be so named.
ROWS: Final = "\0rows"
REFERENCE: Final = "AdverseEventReferenceMetadata.ReferenceNumber"


class Profile(Closed):
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
        """The columns whose content belongs to one row of a record: all that a group with a row
        each looks at. Of two patients each has its own."""
        names: set[str] = set()
        for national, group in self.repeated.items():
            if group.rows:
                names |= group.elements.keys()
                names |= {name for when in self._list_whens(national, group) for name in when}
        return frozenset(names)

    @property
    def shared_row_fields(self) -> frozenset[str]:
        """Those of them that the record as a whole is mapped from too."""
        of_record = {name for rule in self.heads.values() for name in (rule.field, *rule.more)}
        return self.row_fields & (of_record | self.elements.keys())

    def _list_whens(self, national: str, group: RepeatedGroup) -> Iterator[When]:
        """All conditions on an occurrence of the group and on what is in it."""
        yield from group.when or ()
        for rules in group.elements.values():
            for rule in as_list(rules):
                yield from rule.when or ()
        for target, cases in self.derive.items():
            if target.startswith(f"{national}."):
                for case in cases:
                    yield from case.when or ()

    def codes_of(self, rule: FieldRule | HeadRule) -> Codes | None:
        return self.code_lists[rule.codes] if isinstance(rule.codes, str) else rule.codes

    def separator_of(self, rule: FieldRule) -> str | None:
        return (rule.separator or self.separator or "").strip() or None


_NEEDED = ("local_id", "event_type")


def find_spec(target: str, versions: tuple[str, ...]) -> ElementSpec | None:
    """What the taxonomy says of ``Group.Element``: its type and whether it holds several values
    are the same in every version that has it (held by a test)."""
    group, _, element = target.partition(".")
    found = (get_taxonomy(version).find_element(group, element) for version in versions)
    return next((spec for spec in found if spec is not None), None)
