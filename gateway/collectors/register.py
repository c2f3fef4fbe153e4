"""Register collectors."""

import re
from typing import get_args

from gateway.bootstrap import Gateway
from gateway.collectors.kinds import KINDS, parse_settings
from schemas.collecting import Collector, CollectorKind
from schemas.errors import WrongUseError

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_MOST_EVERY = 7 * 24 * 3600


def add_collector(
    gateway: Gateway,
    collector_id: str,
    *,
    source_id: str,
    kind: str,
    settings: str,
    every: int,
) -> Collector:
    """``settings``: JSON, of the kind's form; ``every`` in seconds. WrongUseError, naming what
    would be accepted. It is due at once."""
    if gateway.settings.sandbox:
        raise WrongUseError("a sandbox collects nothing")
    if not _ID.fullmatch(collector_id):
        raise WrongUseError(
            f"collector id {collector_id!r}: 2 to 64 of a-z, 0-9, '.', '_', '-', a letter or digit"
            " first"
        )
    checked = _check_kind(kind)
    _check_every(checked, every)
    now = gateway.now()
    collector = Collector(
        id=collector_id,
        source_id=source_id,
        kind=checked,
        settings=parse_settings(checked, settings).model_dump_json(exclude_defaults=True),
        every=every,
        due_at=now,
        created_at=now,
    )
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        work.sources.get(source_id)
        work.collectors.add(collector)
    return collector


def remove_collector(gateway: Gateway, collector_id: str) -> None:
    """UnknownError where there is none. What it collected stays."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.collectors.remove(collector_id)


def _check_kind(kind: str) -> CollectorKind:
    if kind not in KINDS:
        raise WrongUseError(f"kind {kind!r}: one of {', '.join(get_args(CollectorKind))}")
    return kind


def _check_every(kind: CollectorKind, every: int) -> None:
    least = KINDS[kind].least_every
    if not least <= every <= _MOST_EVERY:
        raise WrongUseError(
            f"every {every} seconds: a {kind} collector may run every {least} to {_MOST_EVERY}"
        )
