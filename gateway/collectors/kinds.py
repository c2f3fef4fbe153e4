"""The kinds of collectors: the form of their settings, and how their far end is opened."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import FarEnd
from gateway.collectors.folder import FolderSettings, open_folder
from gateway.collectors.http import HttpSettings, open_http
from gateway.collectors.mesh import LEAST_EVERY, MeshSettings, open_mailbox
from gateway.collectors.settings import KindSettings
from gateway.collectors.sftp import SftpSettings, open_sftp
from schemas.batch import Route
from schemas.collecting import Collector, CollectorKind
from schemas.errors import WrongUseError


@dataclass(frozen=True)
class Kind:
    """``least_every``: its far end must not be asked more often, in seconds. ``leaves_unkept``:
    what was refused and is not kept here is left at the far end, which is not told of it.
    ``gives_once``: what was settled with it never comes again under the same key, so that one day
    it may be forgotten. A file's name, size and time may come again, as may an answer's bytes."""

    settings: type[KindSettings]
    route: Route
    open: Callable[[Gateway, Collector, Any], AbstractContextManager[FarEnd]]
    least_every: int = 10
    leaves_unkept: bool = False
    gives_once: bool = False


KINDS: Final[dict[CollectorKind, Kind]] = {
    # Known by the place they are taken to, that is made up for each and used once.
    "folder": Kind(FolderSettings, "folder", open_folder, gives_once=True),
    # Known by MESH's ids; what is acknowledged leaves the inbox for good.
    "mesh": Kind(
        MeshSettings,
        "mesh",
        open_mailbox,
        least_every=LEAST_EVERY,
        leaves_unkept=True,
        gives_once=True,
    ),
    "http": Kind(HttpSettings, "pull", open_http),
    "sftp": Kind(SftpSettings, "sftp", open_sftp),
}


def parse_settings(kind: CollectorKind, text: str) -> KindSettings:
    """WrongUseError, naming the setting and never its value."""
    try:
        return KINDS[kind].settings.model_validate_json(text)
    except ValidationError as error:
        told = [f"{_word_place(one['loc'])}{one['msg']}" for one in error.errors()]
        raise WrongUseError(f"settings of a {kind} collector: {'; '.join(told)}") from None


def _word_place(place: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, place))}: " if place else ""
