"""Commands on mapping profiles: what there is, what one says, what is wrong with it."""

import sys
from typing import Annotated, Any

import typer

from gateway.bootstrap import open_shelf
from gateway.cli import profile_coverage, profile_infer, profile_tools
from gateway.cli.options import AsJson, print_json, print_table
from gateway.exit_codes import ExitCode
from gateway.profiles.outline import list_fillings, shorten, write_effective
from mappers.profile_load import Examined, Shelf
from mappers.profile_problems import BadProfileError, Problem
from schemas.errors import WrongUseError
from schemas.values import plain

profiles = typer.Typer(
    help="Mapping profiles: how the fields of a CSV, XML or JSON feed become national events.",
    no_args_is_help=True,
)
profiles.command("infer")(profile_infer.infer)
profiles.command("preview")(profile_tools.preview)
profiles.command("coverage")(profile_coverage.coverage)
profiles.command("test")(profile_tools.run_golden_cases)
ProfileName = Annotated[
    str,
    typer.Argument(
        metavar="P", help="A profile by name, or the path to its YAML file or to its folder."
    ),
]


@profiles.command("list")
def list_profiles(as_json: AsJson = False) -> None:
    """List the profiles there are: the shipped ones, and those in LRMS_PROFILES."""
    shelf = open_shelf()
    found = [_summarise(name, shelf) for name in shelf.find_names()]
    if as_json:
        print_json(found)
        return
    columns = ["profile", "version", "format", "extends", "state"]
    print_table(columns, [[one.get(column) or "" for column in columns] for one in found])


def _summarise(name: str, shelf: Shelf) -> dict[str, Any]:
    try:
        profile = shelf.load(name)
    except BadProfileError as error:
        faults = _count(len(error.problems), "fault")
        return {"profile": name, "state": f"{faults}: profile check {name}"}
    except WrongUseError as error:
        return {"profile": name, "state": str(error)}
    return {
        "profile": name,
        "version": profile.version,
        "format": profile.format,
        "extends": profile.extends,
        "state": "usable",
        "description": profile.description,
    }


@profiles.command("show")
def show_profile(
    profile_name: ProfileName,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="The whole profile, with what it extends, as YAML.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole profile, with what it extends, as JSON.")
    ] = False,
) -> None:
    """Show which field fills what, or the whole profile with what it takes over from others."""
    examined = open_shelf().examine(profile_name)
    profile = examined.profile
    if profile is None:
        raise BadProfileError(examined.faults)
    if as_json:
        content = {key: value for key, value in examined.content.items() if key != "extends"}
        print_json(shorten(content))
    elif as_yaml:
        sys.stdout.write(f"# {profile.name} {profile.version}\n")
        sys.stdout.write(write_effective(examined.content))
    else:
        typer.echo(f"{profile.name}, version {profile.version}: {profile.format}")
        rows = [[one.element, one.field, one.how] for one in list_fillings(profile)]
        rows += [["(ignored)", field, reason] for field, reason in profile.ignored.items()]
        print_table(["element", "field", ""], rows)


@profiles.command("check")
def check_profile(profile_name: ProfileName, as_json: AsJson = False) -> None:
    """Check a profile without a feed: elements, codes, formats, conditions, what is never
    reached, and what every event would lack. Exit code 2 where it cannot be used."""
    examined = open_shelf().examine(profile_name)
    if as_json:
        print_json(
            {
                "profile": examined.profile.name if examined.profile else None,
                "version": examined.profile.version if examined.profile else None,
                "faults": [_as_data(one) for one in examined.faults],
                "remarks": [_as_data(one) for one in examined.remarks],
            }
        )
    else:
        for problem in examined.faults:
            typer.echo(f"fault   {plain(str(problem))}")
        for problem in examined.remarks:
            typer.echo(f"remark  {plain(str(problem))}")
        typer.echo(_word_result(examined))
    if examined.faults:
        raise typer.Exit(ExitCode.WRONG_USE)


def _as_data(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file,
        place.unit: place.line,
        "key": problem.key,
        "message": problem.message,
    }


def _word_result(examined: Examined) -> str:
    profile, faults, remarks = examined.profile, len(examined.faults), len(examined.remarks)
    if profile is None:
        return f"{_count(faults, 'fault')}: the profile cannot be used"
    found = f"{profile.name}, version {profile.version}: usable"
    return f"{found}, {_count(remarks, 'remark')}" if remarks else f"{found}, nothing to remark"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
