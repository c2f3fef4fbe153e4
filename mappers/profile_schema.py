"""The JSON Schema of a profile as people write it: short forms, one or a list, file names of code
lists, numbers and words that YAML does not keep as text. Editors complete keys and elements by it.

It says what a profile may look like; ``mappers.profile_faults`` checks what goes beyond that.
Words come from the models, so that they stand in one place.
"""

from typing import Any, Final

from pydantic import BaseModel

from mappers.profile_dates import NAMED_FORMATS
from mappers.profile_model import REFERENCE, Profile
from mappers.profile_parts import (
    Booleans,
    Case,
    Constant,
    Expectations,
    FieldRule,
    HeadRule,
    Range,
    RepeatedGroup,
    RepeatedRows,
    Take,
)
from mappers.profile_schema_elements import describe_element, list_elements
from mappers.profile_terms import AGE_UNITS, Asked
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS

Schema = dict[str, Any]

# YAML makes of a plain 1, 1.0 or yes something else than text; the gateway reads it as it stands.
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
_FLAG: Final[Schema] = {"enum": [True, False, "true", "false"]}
_NOTHING: Final[Schema] = {"type": "null", "description": "takes away what the parent says here"}
_CSV_FILE: Final[Schema] = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.csv$",
    "description": "a CSV file beside the profile, with the columns theirs and national",
}
_CODE_LIST: Final[Schema] = {
    "type": "string",
    "pattern": r"^(?!.*\.[cC][sS][vV]$)",
    "description": "the name of a code list",
}


def make_profile_schema() -> Schema:
    """Draft 2020-12."""
    described = _describe(Profile, _profile_keys())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mapping profile, lrms-gateway",
        **described,
        "if": {"required": ["extends"]},
        "then": {"required": ["name", "version"]},
        "else": {"required": _required(Profile), "properties": {"elements": _whole_rules()}},
        "allOf": [
            _where_format("csv", {"properties": {"record": False, "namespaces": False}}),
            _where_format("xml", {"properties": {"rows": False}, **_unless_extended("record")}),
            _where_format("json", {"properties": {"rows": False, "namespaces": False}}),
        ],
        "$defs": _definitions(),
    }


def _profile_keys() -> Schema:
    texts = _map_of(_TEXT)
    return {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$"},
        "version": _TEXT,
        "format": {"enum": ["csv", "xml", "json"]},
        "extends": {"type": "string"},
        "description": {"type": "string"},
        "record": {"type": "string"},
        "namespaces": texts,
        "taxonomy_version": _any(
            {"enum": [*TAXONOMY_VERSIONS, *map(int, TAXONOMY_VERSIONS)]},
            {"type": "string", "pattern": r"\D"},
            _ref("head"),
        ),
        "local_id": _field_or("head"),
        "event_type": _any({"type": "string"}, _ref("head"), _ref("constant")),
        "event_date": _field_or("head"),
        "narrative": _field_or("head"),
        "rows": _ref("rows"),
        "separator": {"type": "string"},
        "escape": {"const": "\\"},
        "booleans": _ref("booleans"),
        "code_lists": _map_of(_any(_CSV_FILE, _ref("codes"))),
        "elements": _map_of(_ref("rules")),
        "patients": _ref("group"),
        "medications": _ref("group"),
        "derive": _per_element("cases"),
        "constants": _per_element("values"),
        "ignored": texts,
        "expectations": _ref("expectations"),
    }


def _definitions() -> Schema:
    codes = _any(_CSV_FILE, _CODE_LIST, _ref("codes"))
    formats = _ref("date_formats")
    one = {
        "enum": list_elements(),
        "enumDescriptions": [describe_element(name) for name in list_elements()],
    }
    rule = {
        "to": _ref("element"),
        "when": _ref("when"),
        "take": _ref("take"),
        "separator": {"type": "string", "minLength": 1},
        "codes": codes,
        "date_format": formats,
        "booleans": _ref("booleans"),
        "age": {"enum": list(AGE_UNITS)},
        "by_name": _FLAG,
        "heading": _TEXT,
        "derived": _FLAG,
    }
    head = {"field": _TEXT, "codes": codes, "date_format": formats, "more": _map_of(_TEXT)}
    group = {
        "at": {"type": "string"},
        "rows": _FLAG,
        "when": _ref("when"),
        "number": {"type": "string"},
        "elements": _map_of(_ref("rules")),
    }
    rows = {
        "id": _TEXT,
        "keep": {"enum": ["all", "newest"]},
        "by": _TEXT,
        "separator": {"type": "string"},
        "date_format": formats,
    }
    words = {"type": "array", "items": _TEXT, "minItems": 1}
    asked = {"any": words, "none": words, "contains": words, "given": _FLAG}
    count = _any({"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+$"})
    share = _any(
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": r"^(0?\.\d+|[01](\.0*)?)$"},
    )
    return {
        "element": {"title": "National element", **one},
        "codes": {"title": "Their code → national code", **_map_of(_TEXT)},
        "date_formats": _one_or_list(_date_format()),
        # In a profile that extends another a rule may leave out what its parent says.
        "rule": _describe(FieldRule, rule),
        "rules": _any(
            _ref("element"),
            _ref("rule"),
            {"type": "array", "items": _any(_ref("element"), _ref("rule")), "minItems": 1},
        ),
        "head": _describe(HeadRule, head),
        "constant": {**_describe(Constant, {"value": _event_type()}), "required": ["value"]},
        "cases": _any({"type": "array", "items": _ref("case"), "minItems": 1}, _NOTHING),
        "values": _any(_one_or_list(_TEXT), _NOTHING),
        "case": {
            **_describe(Case, {"when": _ref("when"), "value": _one_or_list(_TEXT)}),
            "required": ["value"],
        },
        "group": _describe(RepeatedGroup, group),
        "rows": _describe(RepeatedRows, rows),
        "take": _describe(Take, {"separator": {"type": "string"}, "part": {"type": "integer"}}),
        "booleans": _describe(Booleans, {"true": words, "false": words}),
        "asked": _any(_TEXT, words, {**_describe(Asked, asked), "minProperties": 1}),
        "condition": {"type": "object", "additionalProperties": _ref("asked"), "minProperties": 1},
        "when": _one_or_list(_ref("condition")),
        "expectations": _describe(
            Expectations, {"records": _ref("range"), "rejected_at_most": share}
        ),
        "range": _describe(Range, {"min": count, "max": count}),
    }


def _describe(model: type[BaseModel], properties: Schema) -> Schema:
    """An object with the keys of the model and its words; each may be taken away."""
    if properties.keys() != model.model_fields.keys():
        raise ValueError(f"the schema of {model.__name__} has other keys than the model")
    return {
        "title": model.__name__,
        "description": " ".join((model.__doc__ or "").replace("``", "'").split()),
        "type": "object",
        "properties": {
            key: {"description": model.model_fields[key].description or "", **_any(one, _NOTHING)}
            for key, one in properties.items()
        },
        "additionalProperties": False,
    }


def _required(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _field_or(name: str) -> Schema:
    return _any({"type": "string", "description": "the field"}, _ref(name))


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": _any(schema, _NOTHING)}


def _one_or_list(schema: Schema) -> Schema:
    return _any(schema, {"type": "array", "items": schema, "minItems": 1})


def _where_format(name: str, then: Schema) -> Schema:
    of_format = {"properties": {"format": {"const": name}}, "required": ["format"]}
    return {"if": of_format, "then": then}


def _whole_rules() -> Schema:
    """A profile that extends none says of every field what it fills."""
    to = {"if": {"type": "object"}, "then": {"required": ["to"]}}
    return {"additionalProperties": {"type": ["string", "object", "array"], **to}}


def _unless_extended(key: str) -> Schema:
    return _any({"required": ["extends"]}, {"required": [key]})


def _date_format() -> Schema:
    named = {"enum": list(NAMED_FORMATS), "description": "a named format"}
    written = {"type": "string", "pattern": "%", "description": "as in strptime: %d/%m/%Y"}
    return _any(named, written)


def _event_type() -> Schema:
    codes = list(EVENT_TYPES)
    labels = [one.label for one in EVENT_TYPES.values()]
    return {"enum": [*codes, *map(int, codes)], "enumDescriptions": labels * 2}


def _per_element(name: str) -> Schema:
    """Each element by its name, so that editors complete it and show what it holds."""
    elements = [element for element in list_elements() if element != REFERENCE]
    return {
        "type": "object",
        "properties": {
            element: {"description": describe_element(element), **_ref(name)}
            for element in elements
        },
        "additionalProperties": False,
    }
