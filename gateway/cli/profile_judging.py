"""What the commands that judge a file by a profile share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, BinaryIO, Final

import typer

from gateway.bootstrap import Gateway, open_shelf
from gateway.cli.options import open_command_gateway
from gateway.config import read_settings
from gateway.profiles.judging import Judging
from gateway.profiles.looks import find_look
from mappers.profile_model import Profile
from schemas.errors import WrongUseError

ProfileName = Annotated[
    str,
    typer.Argument(metavar="P", help="A profile: its name, or the path to its file or folder."),
]
# What the first bytes tell for certain; of anything else the reader says what is wrong.
_LOOKS: Final = {"xml": "XML", "json": "JSON", "fhir": "FHIR, which needs no profile"}


@contextmanager
def open_judging(profile: str, source: str | None) -> Iterator[tuple[Judging, Gateway | None]]:
    """With a source its gateway is opened; without, nothing but the profile is needed."""
    if profile == "fhir":
        raise WrongUseError("fhir is no profile: FHIR feeds need none; see lrms-gateway check")
    now = datetime.now(UTC)
    if source is None:
        settings = read_settings()
        shelf = open_shelf(settings)
        yield Judging(shelf.read_any(profile), limits=settings.limits, received_at=now), None
        return
    with open_command_gateway() as gateway:
        with gateway.store.read() as work:
            registered = work.sources.get(source)
            register = work.organisations.get_register()
        judging = Judging(
            gateway.profiles.read_any(profile),
            limits=gateway.settings.limits,
            received_at=now,
            source=registered,
            register=register,
        )
        yield judging, gateway


def tell_look(stream: BinaryIO, profile: Profile) -> None:
    """Why nothing could be read, where another kind of file was given than the profile is for."""
    look = find_look(stream)
    if look in _LOOKS and look != profile.format:
        typer.echo(
            f"The file looks like {_LOOKS[look]}; profile {profile.name} reads"
            f" {profile.format.upper()}.",
            err=True,
        )
