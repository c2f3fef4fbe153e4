"""What can go wrong with running (bad data is a finding, never an exception)."""


class GatewayError(Exception):
    """We, or what we stand on, cannot do it. ``retryable``: the same call may succeed later."""

    retryable = False


class WrongUseError(GatewayError):
    """The caller asked for what cannot be: an unknown source, a name taken, a missing file."""


class UnknownError(WrongUseError):
    """No such thing: the message names what was asked for."""


class LostPartError(GatewayError):
    """Another attempt took this part over; this one must stop and write nothing more."""


class FaultError(GatewayError):
    """Our own code failed over a record. What was loaded before it stays."""


class UnavailableError(GatewayError):
    """A database, mail server or disk did not answer; nothing was lost."""

    retryable = True
