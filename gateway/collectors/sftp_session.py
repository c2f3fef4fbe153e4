"""A connection to an SFTP server that is made anew where it breaks, and what its failures mean."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Final

import paramiko
from paramiko.sftp import SFTPError
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    NoValidConnectionsError,
    SSHException,
)

from gateway.collectors.far_end import CollectError
from gateway.collectors.sftp_client import Client

Connect = Callable[[], AbstractContextManager[paramiko.SSHClient]]
# How often a run connects anew: a server that always breaks off must end it.
_MOST_CONNECTIONS: Final = 10


class CutError(Exception):
    """The connection is of no use any more; the next use of the session makes another."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session:
    """``connect`` gives a connection that is logged in, and ends it; ``timeout`` in seconds without
    an answer."""

    def __init__(self, connect: Connect, *, timeout: float) -> None:
        self._connect, self._timeout = connect, timeout
        self._stack = ExitStack()
        self._client: Client | None = None
        self._left = _MOST_CONNECTIONS

    @contextmanager
    def use(self) -> Iterator[Client]:
        """The client. CutError where the connection breaks meanwhile; CollectError where there is
        none to be had. What else the server says of a file comes as OSError."""
        client = self._client or self._open()
        try:
            yield client
        except TimeoutError:
            self.drop()
            raise CutError("timed-out") from None
        except SFTPError:
            # What follows an answer that makes no sense cannot be trusted either.
            self.drop()
            raise CutError("bad-answer") from None
        except (EOFError, SSHException, ConnectionError):
            self.drop()
            raise CutError("broken-off") from None
        except OSError as error:
            # Without an error number it may be the server's "failure", or our closed socket.
            if error.errno is None and not _is_open(client):
                self.drop()
                raise CutError("broken-off") from None
            raise

    def praise(self) -> None:
        """Something was read whole: it is not always the connection's fault."""
        self._left = _MOST_CONNECTIONS

    def drop(self) -> None:
        """End the connection, whatever its state."""
        self._client = None
        stack, self._stack = self._stack, ExitStack()
        with suppress(OSError, EOFError, SSHException):
            stack.close()

    def _open(self) -> Client:
        if self._left == 0:
            raise CollectError("unreachable")
        self._left -= 1
        with connect_failures_told():
            try:
                connected = self._stack.enter_context(self._connect())
                self._client = _open_client(connected, self._timeout)
            except BaseException:
                self.drop()
                raise
        return self._client


def _open_client(connected: paramiko.SSHClient, timeout: float) -> Client:
    transport = connected.get_transport()
    if transport is None:
        raise CollectError("unreachable")
    channel = transport.open_session(timeout=timeout)
    channel.settimeout(timeout)
    # Of its own, it waits for the answer to this without end.
    watch = threading.Timer(timeout, transport.close)
    watch.start()
    try:
        channel.invoke_subsystem("sftp")
        return Client(channel)
    finally:
        watch.cancel()


def _is_open(client: Client) -> bool:
    channel = client.get_channel()
    return channel is not None and not channel.closed and channel.get_transport().is_active()


@contextmanager
def connect_failures_told() -> Iterator[None]:
    """Whatever keeps us from connecting is a CollectError, with none of what the server said."""
    try:
        yield
    except CollectError:
        raise
    except BadHostKeyException:
        raise CollectError("host-key") from None
    except AuthenticationException as error:
        raise CollectError("timed-out" if "timeout" in str(error) else "denied") from None
    except TimeoutError:
        raise CollectError("timed-out") from None
    except SSHException as error:
        raise CollectError("host-key" if _is_unknown_host(error) else "unreachable") from None
    except (NoValidConnectionsError, SFTPError, EOFError, OSError):
        raise CollectError("unreachable") from None


def _is_unknown_host(error: SSHException) -> bool:
    # paramiko has no class of its own for it.
    return "not found in known_hosts" in str(error)
