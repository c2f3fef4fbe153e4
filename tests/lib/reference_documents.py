"""Makes the reference documents: receipt and profile JSON Schema, command line, settings."""

import json

import click
import msgspec
import typer
from typer.cli import get_docs_for_click

from gateway.cli import app
from gateway.config import Settings
from mappers import profile_schema
from schemas.receipt import Receipt


def make_receipt_schema() -> str:
    schema = msgspec.json.schema(Receipt)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Receipt of a batch, lrms-gateway",
    }
    return json.dumps(head | schema, indent=2) + "\n"


def make_profile_schema() -> str:
    return json.dumps(profile_schema.make_profile_schema(), indent=1, ensure_ascii=False) + "\n"


def make_command_line() -> str:
    command = typer.main.get_command(app)
    context = click.Context(command, info_name="lrms-gateway")
    text = get_docs_for_click(obj=command, ctx=context, name="lrms-gateway", title="Command line")
    return text.rstrip() + "\n"


def make_settings() -> str:
    lines = [
        "# Settings",
        "",
        "Environment variables, read once when a command or task starts.",
        "",
        "| variable | default | |",
        "|---|---|---|",
    ]
    prefix = Settings.model_config["env_prefix"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else ""
        lines.append(f"| `{prefix}{name.upper()}` | {default} | {field.description or ''} |")
    return "\n".join(lines) + "\n"
