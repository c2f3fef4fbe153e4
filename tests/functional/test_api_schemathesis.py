"""The published OpenAPI document against what is really served: schemathesis draws requests that
fit it, and requests that do not, and finds no answer that the document does not promise."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    Api,
    encode,
    get_reference,
    make_name,
    open_api,
    wait_for,
    write_event,
)

COMMAND = Path(sys.executable).with_name("schemathesis")
SECONDS = 1_200

# What is left out of the checks, and why.
#
# Statuses beside those that a refusal usually has: 412 is what tus asks for where its version is
# missing; 413, 431 where what breaks the schema is that it is too long; 460 a wrong checksum; 408
# where the machine stalls for as long as a body is waited for here.
REFUSALS = [400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 415, 422, 429, 431, 460]
# The rules between the elements of an event are in no JSON Schema, nor is whether a JWT is signed:
# what fits the document may be refused all the same. So may an offset where an upload does not
# stand, and a record of a feed that needs no correction.
JUDGED = [*range(200, 300), 400, 404, 408, 409, 422]
CONFIG = """
seed = 1
continue-on-failure = true
hooks = "tests.lib.schemathesis_hooks"

[generation]
mode = "all"
max-examples = {examples}
deterministic = true
database = "none"
# Headers that are not in the document come from every proxy and every library, and mean nothing.
allow-extra-parameters = false

[checks.negative_data_rejection]
expected-statuses = {refusals}

[checks.missing_required_header]
expected-statuses = {refusals}

[[operations]]
include-path-regex = "AdverseEvent|/oauth2/token|/uploads|/feeds/.id./records"
checks.positive_data_acceptance.expected-statuses = {judged}

# Bad data is data: it is received, and its receipt or outcome says what is wrong with it.
[[operations]]
include-path = ["/feeds", "/adverse-event/fhir"]
include-method = "POST"
checks.negative_data_rejection.enabled = false

[[operations]]
include-path = "/adverse-event/fhir/AdverseEvent/$validate"
checks.negative_data_rejection.enabled = false
"""
KNOWN = """
[[operations]]
include-path-regex = "{path}"
parameters = {{ {parameters} }}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    names = ("requests", "records", "bytes")
    how: dict[str, Any] = {f"max_{name}_per_minute": 0 for name in names}
    home = tmp_path_factory.mktemp("schemathesis")
    with open_api(home, body_seconds=2, idle_seconds=2, **how) as opened:
        yield opened


def run(api: Api, folder: Path, *words: str, examples: int, config: str = "") -> str:
    """What schemathesis says; AssertionError where it found something."""
    path = folder / "schemathesis.toml"
    filled = {"examples": examples, "refusals": REFUSALS, "judged": JUDGED}
    path.write_text(CONFIG.format(**filled) + config)
    command = [COMMAND, "--no-color", "--config-file", path, "run", f"{api.url}/openapi.json"]
    key = f"Ocp-Apim-Subscription-Key: {api.keys[SOURCE.id]}"
    done = subprocess.run(
        [*command, "-H", key, "--warnings", "off", *words],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def test_every_operation_answers_as_the_document_says(api: Api, tmp_path: Path) -> None:
    told = run(api, tmp_path, examples=20)
    selected = re.search(r"Selected: (\d+)/(\d+)\n +Tested: (\d+)", told)
    assert selected is not None, told
    assert len(set(selected.groups())) == 1, "every operation was tested"
    assert int(selected[1]) > 25
    generated = re.search(r"(\d+) generated", told)
    assert generated is not None
    assert int(generated[1]) > 1000


def test_what_is_there_is_told_as_the_document_says(api: Api, tmp_path: Path) -> None:
    """With ids of what there is: else every answer were that there is no such thing."""
    reference = get_reference(api.create(write_event(name=make_name())))
    api.update(reference, write_event(narrative="Told anew, and at some length, by the ward."))
    lines = [write_event(name=make_name()), write_event(name=make_name(), narrative="Fell.")]
    feed = api.call("POST", "/feeds", b"\n".join(map(encode, lines))).json()["id"]
    trial = api.call("POST", "/feeds?dry-run=1", encode(write_event(name=make_name()))).json()["id"]
    upload = api.call("POST", "/uploads", Tus_Resumable="1.0.0", Upload_Length="1000000000")
    for name in (feed, trial):
        wait_for(api, name)
    known = {
        "AdverseEvent/.id.(/_history(/.revision.)?)?$": {"path.id": reference, "path.revision": 1},
        "^/feeds/.id.(/receipt|/promote)?$": {"path.id": trial},
        "^/feeds/.id./records": {"path.id": feed, "path.number": 2},
        "^/uploads/.id.$": {"path.id": upload.headers["Location"].rpartition("/")[2]},
        "^/taxonomy/fhir/.kind./.id.$": {"path.kind": "ValueSet", "path.id": find_value_set(api)},
    }
    config = "".join(
        KNOWN.format(
            path=path,
            parameters=", ".join(f'"{name}" = {value!r}' for name, value in parameters.items()),
        )
        for path, parameters in known.items()
    )
    run(api, tmp_path, examples=10, config=config)
    assert api.call("GET", f"/feeds/{trial}").json()["dry_run"] is False, "it was promoted"


def find_value_set(api: Api) -> str:
    found = api.call("GET", "/taxonomy/fhir/ValueSet?version=5", source="").json()
    return str(found["entry"][0]["resource"]["id"])


@pytest.mark.parametrize("part", ["responses", "headers", "schema"])
def test_what_is_not_promised_would_be_found(api: Api, tmp_path: Path, part: str) -> None:
    path = "/taxonomy/fhir/{kind}"
    kept = api.app.openapi()
    broken = deepcopy(kept)
    responses = broken["paths"][path]["get"]["responses"]
    if part == "responses":
        del responses["200"]
    elif part == "headers":
        required = {"required": True, "schema": {"type": "string"}}
        responses["200"]["headers"] = {"X-Never": required}
    else:
        responses["200"]["content"]["application/fhir+json"]["schema"] = {"type": "array"}
    api.app.openapi_schema = broken
    try:
        with pytest.raises(AssertionError, match="failure"):
            run(api, tmp_path, "--include-path", path, "--phases", "coverage", examples=1)
    finally:
        api.app.openapi_schema = kept
    run(api, tmp_path, "--include-path", path, "--phases", "coverage", examples=1)
