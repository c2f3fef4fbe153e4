"""Register who takes part: organisations, sources, admin users."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import msgspec

from gateway.bootstrap import Gateway
from mappers.profile_load import Shelf
from schemas.errors import WrongUseError
from schemas.identifiers import is_ods_code
from schemas.submission import Grant, Organisation, Source
from schemas.taxonomy import TAXONOMY_VERSIONS
from schemas.values import storable

_SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+|[^@\s<>,;\"]+@localhost")
_ORGANISATION_COLUMNS = ("code", "name", "opened", "closed", "successor", "icb", "region")


def add_source(gateway: Gateway, source: Source) -> None:
    """WrongUseError, naming what would be accepted, where the source cannot be registered."""
    if not _SOURCE_ID.fullmatch(source.id):
        raise WrongUseError(
            f"source id {source.id!r}: 2 to 64 of a-z, 0-9, '.', '_', '-', a letter or digit first"
        )
    if source.taxonomy_version not in TAXONOMY_VERSIONS:
        raise WrongUseError(
            f"taxonomy version {source.taxonomy_version!r}: one of {', '.join(TAXONOMY_VERSIONS)}"
        )
    _check_profile(source, gateway.profiles)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        for code in sorted(source.submits_for):
            if work.organisations.find(code) is None:
                raise WrongUseError(
                    f"organisation {code} is not in the register: add it first"
                    " (organisation add, organisation load)"
                )
        work.sources.add(_say_who_gave(source, gateway.actor))


def _say_who_gave(source: Source, actor: str) -> Source:
    """The grants it is registered with: given by whoever registers it, unless they say by whom."""
    told = {grant.organisation for grant in source.grants}
    rest = sorted(source.submits_for - told - {source.organisation})
    grants = (*source.grants, *(Grant(code, given_by=actor) for code in rest))
    return msgspec.structs.replace(source, grants=grants)


def _check_profile(source: Source, shelf: Shelf) -> None:
    if source.format == "fhir":
        if source.profile is not None:
            raise WrongUseError("a FHIR source needs no profile: the event's own names it")
        return
    if source.profile is None:
        raise WrongUseError(f"a {source.format} source needs --profile")
    profile = shelf.load(source.profile)
    if profile.format != source.format:
        raise WrongUseError(
            f"profile {source.profile} reads {profile.format}, the source sends {source.format}"
        )


def add_user(gateway: Gateway, email: str, organisation: str, role: str) -> None:
    if not _EMAIL.fullmatch(email):
        raise WrongUseError(f"{email!r} is not an e-mail address")
    if role != "admin":
        raise WrongUseError(f"role {role!r}: admin is the only one")
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        if work.organisations.find(organisation) is None:
            raise WrongUseError(f"organisation {organisation} is not in the register")
        work.users.add(email, organisation, role)


def remove_user(gateway: Gateway, email: str, organisation: str, role: str) -> None:
    """UnknownError where there is no such user. What is sent already, or parked, stays."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.users.remove(email, organisation, role)


def add_organisation(gateway: Gateway, code: str, name: str) -> None:
    """Adds one, or renames a known one and keeps what else is known of it."""
    if not is_ods_code(code):
        raise WrongUseError(f"{code!r} is not an ODS code: 2 to 12 of A-Z and 0-9")
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        known = work.organisations.find(code) or Organisation(code, name)
        work.organisations.add_many([msgspec.structs.replace(known, name=name)])


def add_organisations(gateway: Gateway, organisations: Iterable[Organisation]) -> int:
    """Adds new organisations and updates known ones; how many."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        return work.organisations.add_many(organisations)


def read_organisations(lines: Iterable[str], filename: str) -> Iterator[Organisation]:
    """Organisations of a CSV file: columns code and name, and where given opened, closed
    (YYYY-MM-DD), successor, icb, region. WrongUseError names file, row, column."""
    try:
        yield from _read_organisations(csv.DictReader(lines), filename)
    except UnicodeDecodeError:
        raise WrongUseError(f"{filename}: not in UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise WrongUseError(f"{filename}: not CSV: {error}") from None


def _read_organisations(rows: "csv.DictReader[str]", filename: str) -> Iterator[Organisation]:
    columns = set(rows.fieldnames or ())
    if not {"code", "name"} <= columns or not columns <= set(_ORGANISATION_COLUMNS):
        raise WrongUseError(
            f"{filename}: the header must hold code and name, and may hold"
            f" {', '.join(_ORGANISATION_COLUMNS[2:])}"
        )
    for number, row in enumerate(rows, start=2):
        where = f"{filename}, row {number}"
        yield Organisation(
            code=_ods_code(row["code"], where, "code"),
            name=storable((row["name"] or "").strip() or row["code"]),
            opened=_date(row.get("opened"), where, "opened"),
            closed=_date(row.get("closed"), where, "closed"),
            successor=_find_ods_code(row, where, "successor"),
            icb=_find_ods_code(row, where, "icb"),
            region=storable(row.get("region") or "") or None,
        )


def _find_ods_code(row: Mapping[str, str], where: str, column: str) -> str | None:
    text = row.get(column)
    return _ods_code(text, where, column) if text else None


def _ods_code(text: str | None, where: str, column: str) -> str:
    code = (text or "").strip()
    if not is_ods_code(code):
        raise WrongUseError(
            f"{where}, column '{column}': not an ODS code; expected 2 to 12 of A-Z and 0-9"
        )
    return code


def _date(text: str | None, where: str, column: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUseError(
            f"{where}, column '{column}': not a date; expected YYYY-MM-DD"
        ) from None
