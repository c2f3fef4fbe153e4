"""Parameters, as FHIR operations take them: the resource that is meant, in its own bytes."""

from typing import Final

import msgspec

_MARK: Final = b'"Parameters"'


class _Parameter(msgspec.Struct):
    name: str = ""
    resource: msgspec.Raw = msgspec.Raw()


class _Parameters(msgspec.Struct):
    resource_type: str = msgspec.field(name="resourceType", default="")
    parameter: list[_Parameter] = []


_decode: Final = msgspec.json.Decoder(_Parameters).decode


def take_parameter(body: bytes, name: str) -> bytes:
    """The resource of that name, where the body is a Parameters that has one; else the body, for
    its reader to say what is wrong with it."""
    if _MARK not in body:
        return body
    try:
        parameters = _decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return body
    if parameters.resource_type != "Parameters":
        return body
    found = (bytes(one.resource) for one in parameters.parameter if one.name == name)
    return next(found, b"") or body
