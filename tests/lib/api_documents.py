"""Makes the documents about the API: its OpenAPI document, and the catalogue of problems."""

import json
import tempfile
from pathlib import Path
from typing import Final

from fastapi import Request

from gateway.api.app import make_app
from gateway.api.problem_codes import PROBLEM_CODES, ProblemCode
from gateway.api.problems import ApiProblem, answer_problem
from gateway.bootstrap import open_gateway
from gateway.config import Settings

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
