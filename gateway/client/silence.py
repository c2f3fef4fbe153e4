"""What it means that no answer came, and whether the request may have arrived."""

import ssl

from requests import RequestException, exceptions
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
)

from gateway.client.errors import BadAnswerError, ClientError, Told, UnreachableError

# Also where a session of the caller's own retries, and gave up.
_CUT = (exceptions.ConnectionError, exceptions.ChunkedEncodingError, exceptions.RetryError)


def make_unreachable(error: RequestException, told: Told) -> ClientError:
    """What it means that requests could not get an answer."""
    if isinstance(error, exceptions.ContentDecodingError):
        return BadAnswerError("the answer cannot be unpacked", told)
    if isinstance(_find_cause(error), ssl.CertificateError):
        return UnreachableError(
            "the certificate is not trusted", told, may_have_arrived=False, is_lasting=True
        )
    if isinstance(error, exceptions.ConnectTimeout) or _never_connected(error):
        return UnreachableError("no connection", told, may_have_arrived=False)
    if isinstance(error, exceptions.Timeout):
        return UnreachableError("no answer in time", told)
    if isinstance(error, _CUT):
        return UnreachableError("the connection was cut", told)
    words = f"the request could not be made: {type(error).__name__}"
    return UnreachableError(words, told, is_lasting=True)


def _never_connected(error: RequestException) -> bool:
    return isinstance(_find_reason(error), NewConnectionError | ConnectTimeoutError | ProxyError)


def _find_reason(error: RequestException) -> object:
    cause = error.args[0] if error.args else None
    return cause.reason if isinstance(cause, MaxRetryError) else cause


def _find_cause(error: RequestException) -> object:
    reason = _find_reason(error)
    return reason.args[0] if isinstance(reason, Exception) and reason.args else None
