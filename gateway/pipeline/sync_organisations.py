"""Bring the register of organisations up to date from the ODS API. Pages are stored as they come,
each in a transaction; where the next sync begins only once all of them did. Intake needs nothing of
this: it goes by the register that is here."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Final

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.judge import LONDON
from gateway.reference.ods import Asked, OdsApi
from gateway.reference.ods_read import Found, Json, UnreadableError, read_organisation
from gateway.reference.organisation_changes import compare, mark_used, merge
from gateway.reference.organisation_report import SyncReport
from gateway.reference.upstream import Clock, Upstream
from schemas.errors import GatewayError, WrongUseError
from schemas.reference import KeptOrganisation, OrganisationChange

log = logging.getLogger(__name__)

NAME: Final = "organisations"
# Asked for again each time: a change of a day may be published on the next.
OVERLAP: Final = timedelta(days=1)
# Organisations that are asked about one by one, between two transactions.
_PIECE: Final = 50
# As the register names regions.
_REGION_ENDING: Final = " COMMISSIONING REGION"


class UnreadableOrganisationsError(GatewayError):
    """Some of what came could not be read: the next sync begins where this one did."""


@contextmanager
def open_ods(gateway: Gateway, clock: Clock | None = None) -> Iterator[OdsApi]:
    """WrongUseError where there is no address, or no key for it."""
    settings = gateway.settings
    if not settings.ods_url:
        raise WrongUseError("LRMS_ODS_URL is empty: organisations are not synced")
    key = gateway.find_secret(settings.ods_key_env)
    if not key:
        raise WrongUseError(
            f"the key of the ODS API is looked for in the environment variable"
            f" {settings.ods_key_env} (LRMS_ODS_KEY_ENV), which is empty"
        )
    upstream = Upstream(
        settings.ods_url,
        headers={"apikey": key},
        per_second=settings.ods_per_second,
        clock=clock,
    )
    try:
        yield OdsApi(upstream)
    finally:
        upstream.close()


def sync_organisations(
    gateway: Gateway, ods: OdsApi, *, since: date | None = None, dry_run: bool = False
) -> SyncReport:
    """What changed since the last sync that ended well, or ``since`` that day; the first time, all
    organisations of the roles that are kept. A dry run stores nothing, not even that it ran.
    UnavailableError where ODS does not answer: what came until then is stored, and comes again."""
    begin = since or _find_begin(gateway)
    sync = _Sync(gateway, ods, dry_run=dry_run)
    if dry_run:
        return sync.run(begin)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        number = work.reference_runs.begin(NAME, begin)
    try:
        report = sync.run(begin)
        _check_readable(report)
    except GatewayError as error:
        log.error("organisations are not synced: %s", error)  # noqa: TRY400 - no trace
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            work.reference_runs.fail(number, str(error))
        raise
    kept = _without_names_of_new(report)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        encoded = msgspec.json.encode(kept).decode()
        work.reference_runs.finish(number, upto=report.upto, report=encoded)
    log.info("organisations are synced: %d changed", len(report.changes))
    return report


def find_last_report(gateway: Gateway) -> SyncReport | None:
    """Of the last sync that ended well; those that were new are counted in it, not listed."""
    with gateway.store.read() as work:
        last = work.reference_runs.find_last(NAME, state="done")
    return msgspec.json.decode(last.report, type=SyncReport) if last and last.report else None


def _find_begin(gateway: Gateway) -> date | None:
    with gateway.store.read() as work:
        upto = work.reference_runs.find_upto(NAME)
    return upto - OVERLAP if upto else None


def _check_readable(report: SyncReport) -> None:
    if report.unreadable:
        raise UnreadableOrganisationsError(
            f"{len(report.unreadable)} organisations could not be read:"
            f" {', '.join(report.unreadable[:10])}; the others are stored"
        )


def _without_names_of_new(report: SyncReport) -> SyncReport:
    """The first sync adds tens of thousands: their codes are in the register."""
    told = [one for one in report.changes if "added" not in one.kinds]
    return msgspec.structs.replace(report, changes=told)


class _Sync:
    """One sync, as far as it came."""

    def __init__(self, gateway: Gateway, ods: OdsApi, *, dry_run: bool) -> None:
        self._gateway = gateway
        self._ods = ods
        self._dry_run = dry_run
        self._roles = frozenset(gateway.settings.ods_role_codes)
        self._changes: list[OrganisationChange] = []
        self._unreadable: list[str] = []
        self._done: set[str] = set()
        self._received = 0
        self._newest: date | None = None

    def run(self, begin: date | None) -> SyncReport:
        asked = Asked(begin, tuple(sorted(self._roles)))
        for page in self._ods.read_pages(asked):
            self._received += len(page)
            found = self._read(page)
            for start in range(0, len(found), _PIECE):
                # One that closed is asked about in any case; of all that are new at first, where
                # each lies would be hours of asking.
                self._take(found[start : start + _PIECE], asks_of_all=begin is not None)
        return SyncReport(
            dry_run=self._dry_run,
            since=begin,
            upto=self._find_upto(begin),
            received=self._received,
            kept=len(self._done),
            changes=self._changes,
            unreadable=self._unreadable,
        )

    def _find_upto(self, begin: date | None) -> date | None:
        """By the days the register gives, never later than ours; without any change the next sync
        begins where this one did."""
        today = self._gateway.now().astimezone(LONDON).date()
        if self._newest is None:
            return begin + OVERLAP if begin else None
        return min(max(self._newest, begin or self._newest), today)

    def _read(self, page: list[Json]) -> list[Found]:
        found = []
        for resource in page:
            try:
                one = read_organisation(resource)
            except UnreadableError as problem:
                self._unreadable.append(problem.code)
                continue
            found.append(one)
            if one.changed_on and (self._newest is None or one.changed_on > self._newest):
                self._newest = one.changed_on
        return found

    def _take(self, found: list[Found], *, asks_of_all: bool) -> None:
        """Known ones, and new ones of a role that is kept; and whoever carried on from them,
        whatever its roles are."""
        known = self._find_known([one.code for one in found])
        ours = [one for one in found if one.code in known or self._roles & {*one.roles}]
        while ours:
            results = [
                self._look(one, known.get(one.code), asks_of_all=asks_of_all) for one in ours
            ]
            self._store([one for one in results if one is not None])
            self._done |= {one.code for one in ours}
            ours = self._find_successors([one[0] for one in results if one is not None])
            known = {}

    def _find_known(self, wanted: list[str]) -> dict[str, KeptOrganisation]:
        with self._gateway.store.read() as work:
            return work.synced.find(wanted)

    def _look(
        self, found: Found, known: KeptOrganisation | None, *, asks_of_all: bool
    ) -> tuple[KeptOrganisation, OrganisationChange | None] | None:
        """None where it is what was kept already: the overlap, or a sync that was killed."""
        if known and known.changed_on is not None and known.changed_on == found.changed_on:
            return None
        facts, region = None, None
        if asks_of_all or found.closed is not None or not found.is_active:
            facts = self._ods.find_facts(found.code)
            region = _word_region(facts.region, self._ods.find_name) if facts else None
        kept = merge(known, found, facts, region)
        return kept, compare(known, kept, found)

    def _store(self, results: list[tuple[KeptOrganisation, OrganisationChange | None]]) -> None:
        changes = [change for _, change in results if change]
        with self._gateway.store.read() as work:
            uses = work.synced.find_uses([one.code for one in changes])
        changes = [mark_used(one, uses.get(one.code, ())) for one in changes]
        self._changes += changes
        if results and not self._dry_run:
            gateway = self._gateway
            with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
                work.synced.put([kept for kept, _ in results], changes)

    def _find_successors(self, kept: list[KeptOrganisation]) -> list[Found]:
        """Those that are not in the register yet: a chain of successors must not end in a code that
        nobody knows."""
        wanted = {code for one in kept for code in one.successors} - self._done
        with self._gateway.store.read() as work:
            wanted -= work.synced.find(wanted).keys()
        resources = [self._ods.find(code) for code in sorted(wanted)]
        return self._read([one for one in resources if one])


def _word_region(code: str | None, find_name: Callable[[str], str | None]) -> str | None:
    name = find_name(code) if code else None
    return name.removesuffix(_REGION_ENDING).title() if name else None
