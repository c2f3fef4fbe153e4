"""What the command line says where it cannot go on: one line (of a profile with faults,
a line each), and never content of an event."""

import sys

from gateway.exit_codes import ExitCode, of_error
from gateway.pipeline.fault import word_fault
from mappers.profile_problems import BadProfileError
from schemas.errors import GatewayError
from schemas.values import plain


def tell_failure(error: Exception, *, about: str = "") -> ExitCode:
    """Writes to standard error; gives the exit code."""
    start = f"lrms-gateway: {about}{': ' if about else ''}"
    for line in _list_lines(error):
        sys.stderr.write(f"{start}{plain(' '.join(line.split()))}\n")
    return of_error(error)


def _list_lines(error: Exception) -> list[str]:
    if isinstance(error, BadProfileError):
        return list(map(str, error.problems))
    return [_word(error)]


def _word(error: Exception) -> str:
    if isinstance(error, GatewayError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    return f"a fault of the gateway: {word_fault(error)}"
