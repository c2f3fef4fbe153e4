"""The command that drafts a profile from a feed."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import AsJson, FeedFile, open_feed
from gateway.config import read_settings
from mappers.profile_schema import make_profile_schema
from schemas.errors import WrongUseError
from schemas.taxonomy import TAXONOMY_VERSIONS

_FILE = "profile.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def infer(
    file: FeedFile,
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="A YAML file, or a folder; - to print."),
    ] = "-",
    name: Annotated[
        str | None, typer.Option(help="Name of the profile; without, from the file's name.")
    ] = None,
    taxonomy_version: Annotated[
        str, typer.Option(help=f"The national taxonomy: {', '.join(TAXONOMY_VERSIONS)}.")
    ] = "5",
    records: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many records are looked at.")
    ] = 5_000,
    as_json: AsJson = False,
) -> None:
    """Draft a profile from a CSV, XML or JSON file: what each field is, likely elements and codes
    with how sure they are, and a list of what is left to do.

    A draft names fields and the codes of code lists; it holds no free text and nobody's numbers."""
    # pandas takes half a second to import, which the other commands do not owe.
    from gateway.profiles.infer import encode_analysis, infer_profile  # noqa: PLC0415

    if taxonomy_version not in TAXONOMY_VERSIONS:
        raise WrongUseError(f"--taxonomy-version: one of {', '.join(TAXONOMY_VERSIONS)}")
    if name is not None and not _NAME.fullmatch(name):
        raise WrongUseError(f"--name {name}: small letters, digits and hyphens")
    path = None if output == "-" else _find_path(output)
    with open_feed(file) as (stream, filename):
        inferred = infer_profile(
            stream,
            filename,
            name=name or (_name_after(path) if path else None),
            taxonomy_version=taxonomy_version,
            records=records,
            limits=read_settings().limits,
        )
    if as_json:
        sys.stdout.write(encode_analysis(inferred.draft).decode() + "\n")
    if path is not None:
        _write_files(path, inferred.text)
        mapped = sum(one.guess is not None for one in inferred.draft.fields)
        told = f"{path}: {mapped} of {len(inferred.draft.fields)} fields mapped"
        typer.echo(f"{told}, {len(inferred.draft.todo)} things to do", err=as_json)
    elif not as_json:
        sys.stdout.write(inferred.text)


def _write_files(path: Path, text: str) -> None:
    """The draft, and beside it the schema that its first line names, for editors."""
    from gateway.profiles.infer_write import SCHEMA  # noqa: PLC0415 - as above

    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    schema = json.dumps(make_profile_schema(), indent=1, ensure_ascii=False)
    path.with_name(SCHEMA).write_text(schema + "\n", encoding="utf-8")


def _find_path(output: str) -> Path:
    """Never over a profile that is there already: somebody may have worked on it."""
    given = Path(output)
    path = given if given.suffix in (".yaml", ".yml") else given / _FILE
    if not path.parent.is_dir() and not path.parent.parent.is_dir():
        raise WrongUseError(f"{output}: not in a folder that exists")
    if path.exists():
        raise WrongUseError(f"{path} is there already: choose another place, or remove it first")
    return path


def _name_after(path: Path) -> str:
    """A profile in a folder is named as the folder, any other as its file."""
    from gateway.profiles.infer import make_name  # noqa: PLC0415 - as above

    return make_name(path.absolute().parent.name if path.name == _FILE else path.stem)
