"""The small words of a profile: conditions on fields, units of age."""

from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

AgeUnit = Literal["years", "months", "weeks", "days", "text", "date_of_birth"]
AGE_UNITS: Final[tuple[str, ...]] = get_args(AgeUnit)


class Asked(BaseModel):
    """What is asked of one field; all that is given must hold. Case and blanks around do not
    count. Short forms: the one value it must have, or a list of those it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    any: list[str] | None = Field(None, description="it has one of these values")
    none: list[str] | None = Field(None, description="it has none of these values")
    contains: list[str] | None = Field(None, description="one of these stands in it")
    given: bool | None = Field(None, description="whether it is filled at all")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"any": [given]}
        return {"any": given} if isinstance(given, list) else given


# All fields named must pass their tests.
When = dict[str, Asked]
T = TypeVar("T")


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, dict) else given


# Absent, one, or a list of alternatives; read as a list.
Given = Annotated[list[T] | None, BeforeValidator(_listed)]
