"""The mailbox that is collected from: its settings, its secrets, and what it may answer instead."""

import json
from collections.abc import Callable

from tests.lib.collecting import OTHER, SOURCE
from tests.lib.mesh import OURS, PASSWORD, SENDER, SHARED_KEY, WORKFLOW, Answer, Mesh, Request

FEED = b'{"resourceType": "Bundle", "type": "batch", "entry": []}\n'
SECRETS = {"MESH_PASSWORD": PASSWORD, "MESH_KEY": SHARED_KEY}


def make_settings(mesh: Mesh, **more: object) -> str:
    senders = [
        {"mailbox": SENDER, "workflow": WORKFLOW, "source": SOURCE.id},
        {"mailbox": SENDER.lower(), "workflow": "TEST_WORKFLOW2", "source": OTHER.id},
    ]
    given = {
        "url": mesh.url,
        "mailbox": OURS.lower(),
        "password": {"env": "MESH_PASSWORD"},
        "shared_key": {"env": "MESH_KEY"},
        "senders": senders,
        "timeout_seconds": 120,
    }
    return json.dumps(given | more)


def on(
    method: str, ending: str, answer: Answer, *, times: int = 1_000
) -> Callable[[Request], Answer | None]:
    """That answer to such a request, so many times."""
    left = [times]

    def give(request: Request) -> Answer | None:
        if request.method != method or not request.path.endswith(ending) or not left[0]:
            return None
        left[0] -= 1
        return answer

    return give
