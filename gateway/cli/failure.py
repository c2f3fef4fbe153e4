"""What the command line says where it cannot go on: one line, and never content of an event."""

import sys

from gateway.exit_codes import ExitCode, of_error
from gateway.pipeline.fault import word_fault
from schemas.errors import GatewayError
from schemas.values import plain


def tell_failure(error: Exception, *, about: str = "") -> ExitCode:
    """Writes the line to standard error; gives the exit code."""
    words = plain(" ".join(_word(error).split()))
    sys.stderr.write(f"lrms-gateway: {about}{': ' if about else ''}{words}\n")
    return of_error(error)


def _word(error: Exception) -> str:
    if isinstance(error, GatewayError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    return f"a fault of the gateway: {word_fault(error)}"
