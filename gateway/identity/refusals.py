"""Why a client gets no token: status, error and description as the NHS API platform answers them,
so that a client's handling of its errors fits ours. Never a part of what was sent."""

from typing import Final

from schemas.errors import GatewayError


class ClientRefusedError(GatewayError):
    """``error`` is OAuth's word for it (RFC 6749, section 5.2), ``description`` says what was
    wrong."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


# RFC 6749, section 5.2; the platform answers what is wrong with a JWT as an invalid request.
INVALID: Final = "invalid_request"
INVALID_CLIENT: Final = "invalid_client"
INVALID_SCOPE: Final = "invalid_scope"
UNSUPPORTED_GRANT: Final = "unsupported_grant_type"
UNAVAILABLE: Final = "temporarily_unavailable"


def make_invalid(description: str) -> ClientRefusedError:
    """What was sent is not as it should be: sending it again changes nothing."""
    return ClientRefusedError(400, INVALID, description)


def make_unknown(description: str, error: str = INVALID) -> ClientRefusedError:
    """Whoever sent it is not known by it."""
    return ClientRefusedError(401, error, description)
