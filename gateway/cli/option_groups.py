"""Options that belong together, listed once: a struct whose fields are options of every command
that takes it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

_Command = Callable[..., None]


def takes(group: type[Any]) -> Callable[[_Command], _Command]:
    """The command has an option for each field of ``group``, before its own; it is given them
    together, as its first parameter."""
    fields = inspect.signature(group).parameters.values()

    def decorate(command: _Command) -> _Command:
        own = list(inspect.signature(command).parameters.values())[1:]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            command(group(**{one.name: given.pop(one.name) for one in fields}), **given)

        # What typer reads the options from; all of them come by name.
        named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*fields, *own)]
        setattr(run, "__signature__", inspect.Signature(named))  # noqa: B010 - no attribute mypy knows
        return run

    return decorate
