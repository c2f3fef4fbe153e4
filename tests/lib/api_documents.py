"""Makes the documents about the API: its OpenAPI document, and the catalogue of problems."""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from fastapi import Request

from gateway.api.app import make_app
from gateway.api.problem_codes import PROBLEM_CODES, ProblemCode
from gateway.api.problems import ApiProblem, answer_problem
from gateway.bootstrap import open_gateway
from gateway.config import Settings

Json = dict[str, Any]
AGAIN: Final = {
    "no": "No: the same request gets the same answer.",
    "later": "Yes, after `Retry-After` where it is there; else with growing pauses.",
    "at once": "Yes, at once.",
}
INTRODUCTION: Final = """\
# Errors

<!-- Generated from gateway/api/problem_codes.py by `make docs`. Do not edit. -->

What can be wrong with a *request*. What can be wrong with an *event* is a finding, and has
[a catalogue of its own](../finding-catalogue.md).

| status | the body says | |
|---|---|---|
| 400 | findings `READ-…`, or a code below | no AdverseEvent; a header or parameter cannot be read |
| 403 | finding `ORG-002`, or `scope-missing` | no grant; a token that does not reach so far |
| 422 | findings, or a code below | rejected: each finding says where, why, what to do |
| any other | a code below | |

A program reads `code`. A code keeps its meaning and its status; wording may change. What is meant
for a person is the title, and `detail` (in an OperationOutcome `diagnostics`): what would be
accepted. Nothing of an event is ever in it.

Addresses under `/adverse-event/fhir` and `/taxonomy/fhir` answer with an OperationOutcome
(`application/fhir+json`):
"""
BETWEEN: Final = """
All others with problem details (RFC 9457, `application/problem+json`):
"""
AFTER: Final = """
`/oauth2/token` has errors of its own: see [authentication](authentication.md#errors).

Every answer has `X-Request-ID`: yours, where you sent one, else one of ours. Log it, and name it
when you ask the operator. `429` and `503` have `Retry-After` in seconds.
"""
SHOWN: Final = ApiProblem(
    503,
    "unavailable",
    "The gateway cannot answer now",
    "Nothing is lost and nothing is half done: send the same request again, later.",
)


def make_openapi() -> str:
    """Of the API outside of a sandbox, whatever the settings here are."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), database_url="", sandbox=False)
        with open_gateway(settings) as gateway:
            document = make_app(gateway).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def make_errors() -> str:
    parts = [
        INTRODUCTION,
        _show("/adverse-event/fhir/AdverseEvent"),
        BETWEEN,
        _show("/feeds"),
        AFTER,
        _make_table(),
        *(_make_entry(code, entry) for code, entry in PROBLEM_CODES.items()),
    ]
    return "\n".join(parts)


def _show(path: str) -> str:
    """An answer as it is made."""
    request_id = "6a21c8d5-4851-c8b7-2577-ad8abfecd4c1"
    scope = {"type": "http", "path": path, "headers": [], "lrms.request_id": request_id}
    body = bytes(answer_problem(Request(scope), SHOWN).body)
    return f"```json\n{json.dumps(json.loads(body), indent=2)}\n```"


def _make_table() -> str:
    lines = ["| code | status | when |", "|---|---|---|"]
    for code, entry in PROBLEM_CODES.items():
        lines.append(f"| [`{code}`](#{code}) | {entry.status} | {entry.when} |")
    return "\n".join([*lines, ""])


def _make_entry(code: str, entry: ProblemCode) -> str:
    lines = [
        f"## {code}",
        "",
        f"**{entry.status}.** {entry.when}",
        "",
        f"- **What to do**: {entry.to_do}",
        f"- **May a program send it again?** {AGAIN[entry.again]}",
        "",
    ]
    return "\n".join(lines)


_GENERATED: Final = (
    "<!-- Generated from docs/openapi.json by `make docs` from here on. Do not edit. -->\n"
)
_PLACES: Final = {"query": "parameter", "header": "header", "path": "in the address"}
API_PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "vendors" / "api.md"


def make_api() -> str:
    """The page with every route behind what is written by hand."""
    page = API_PAGE.read_text(encoding="utf-8")
    written = page[: page.index(_GENERATED)]
    document = json.loads(make_openapi())
    routes = [
        _make_route(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return "\n".join([written + _GENERATED, *routes])


def _make_route(method: str, path: str, operation: Json) -> str:
    lines = [
        f"### {method.upper()} {path}",
        "",
        f"{_read_told(operation)} {_word_scope(operation)}",
        "",
    ]
    for one in operation.get("parameters", []):
        if one["in"] != "path":
            needed = " (needed)" if one.get("required") else ""
            lines.append(f"- {_PLACES[one['in']]} `{one['name']}`{needed}: {_read_told(one)}")
    body = operation.get("requestBody")
    if body:
        kinds = ", ".join(f"`{kind}`" for kind in body["content"])
        lines.append(f"- body {kinds}: {_read_told(body)}".rstrip(": "))
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            lines.append(f"- **{status}** {_read_told(answer)}{_word_headers(answer)}")
    refused = [status for status in operation["responses"] if int(status) >= 400]
    return "\n".join([*lines, f"- refused: {', '.join(sorted(refused))}", ""])


def _read_told(value: Json) -> str:
    told = value.get("description") or value.get("summary") or ""
    return " ".join(str(told).split())


def _word_scope(operation: Json) -> str:
    scopes = {
        scope for one in operation.get("security", []) for names in one.values() for scope in names
    }
    return f"Scope `{' '.join(sorted(scopes))}`." if scopes else "No key is needed."


def _word_headers(answer: Json) -> str:
    headers = answer.get("headers", {})
    told = "; ".join(f"`{name}`: {_read_told(one)}" for name, one in headers.items())
    return f" ({told})" if told else ""
