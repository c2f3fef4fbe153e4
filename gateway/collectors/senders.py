"""Whose a message is: the mailbox it came from and its workflow, to a source."""

from collections.abc import Sequence

from pydantic import Field

from gateway.collectors.settings import KindSettings


class Sender(KindSettings):
    """What comes from ``mailbox`` under ``workflow`` (none: under any) is ``source``'s."""

    mailbox: str = Field(min_length=1)
    workflow: str | None = None
    source: str = Field(min_length=1)


def find_source(
    senders: Sequence[Sender], mailbox: str, workflow: str
) -> tuple[str | None, str | None]:
    """The source, or why there is none. A sender that names the workflow goes before one that
    takes any."""
    own = [one for one in senders if one.mailbox.upper() == mailbox.strip().upper()]
    if not own:
        return None, "unknown-sender"
    for wanted in (workflow.strip(), None):
        for one in own:
            if one.workflow == wanted:
                return one.source, None
    return None, "wrong-workflow"
