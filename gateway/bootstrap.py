"""The one place where the parts are assembled: settings, clocks, store, raw files, mailer."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.config import Settings, read_settings
from gateway.identity.published_keys import PublishedKeys
from gateway.monitoring.spans import open_tracing
from gateway.notifications.mailbox import MailboxMailer
from gateway.notifications.mailer import Mailer
from gateway.notifications.smtp import SmtpMailer
from mappers.profile_load import Shelf, make_shelf
from schemas.errors import WrongUseError
from store.engine import Store, open_store
from store.partial_files import PartialFiles
from store.raw_store import RawStore, open_raw_store

if TYPE_CHECKING:
    from paramiko import SSHClient

    OpenSsh = Callable[[str], AbstractContextManager[SSHClient]]


@dataclass(frozen=True)
class Gateway:
    """Everything a use case needs. ``now`` gives an aware instant; ``actor`` is who acts, for the
    audit log; ``partial`` holds what came so far of uploads; ``profiles`` are the shipped mapping
    profiles and those of one's own; ``monotonic`` counts seconds, whatever is done to the clock;
    ``random_bytes`` are those keys and upload ids are made of; ``published_keys`` fetches the keys
    that clients publish; ``find_secret`` gives the secret of a name (an environment variable);
    ``open_ssh`` opens the connection of an id, where somebody (Airflow) keeps connections."""

    settings: Settings
    store: Store
    raw: RawStore
    partial: PartialFiles
    mailer: Mailer
    profiles: Shelf
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    published_keys: PublishedKeys
    find_secret: Callable[[str], str | None]
    open_ssh: "OpenSsh | None"
    actor: str


def _now() -> datetime:
    return datetime.now(UTC)


def _make_mailer(settings: Settings) -> Mailer:
    if not settings.smtp_host:
        return MailboxMailer(settings.mailbox_folder)
    return SmtpMailer(
        settings.smtp_host,
        settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password,
        starttls=settings.smtp_starttls,
    )


def open_shelf(settings: Settings | None = None) -> Shelf:
    """The mapping profiles alone, shipped and one's own: no database is opened."""
    return make_shelf((settings or read_settings()).profiles_folder)


@contextmanager
def open_gateway(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = _now,
    monotonic: Callable[[], float] = time.monotonic,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    find_secret: Callable[[str], str | None] = os.environ.get,
    open_ssh: "OpenSsh | None" = None,
    actor: str = "system",
) -> Iterator[Gateway]:
    """The assembled gateway; closed at the end of the block.

    The embedded SQLite database is brought up to date on the way; a PostgreSQL database must be
    (``lrms-gateway migrate``), WrongUseError if it is not.
    """
    settings = settings or read_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    with open_tracing(), closing(open_store(settings.database)) as store:
        if not store.is_migrated():
            if store.is_postgresql:
                raise WrongUseError(
                    "the database is not at this version's schema: run lrms-gateway migrate"
                )
            store.migrate()
        yield Gateway(
            settings=settings,
            store=store,
            raw=open_raw_store(settings.raw_url, settings.raw_folder),
            partial=PartialFiles(settings.uploads_folder),
            mailer=_make_mailer(settings),
            profiles=open_shelf(settings),
            now=now,
            monotonic=monotonic,
            random_bytes=random_bytes,
            published_keys=PublishedKeys(monotonic),
            find_secret=find_secret,
            open_ssh=open_ssh,
            actor=actor,
        )
