"""Sends one request, again where that is safe. Nothing here knows what it is about."""

import uuid
from collections.abc import Callable

import requests
from requests.auth import AuthBase

from gateway.client.answers import check_answer, read_told
from gateway.client.calls import Answer, Call, Certificates, Identity
from gateway.client.errors import (
    ClientError,
    InFlightError,
    NotNowError,
    ServerError,
    Told,
    UnreachableError,
)
from gateway.client.patience import Clock, Patience, make_retrying
from gateway.client.silence import make_unreachable

_LONGEST_CONNECT = 10.0
_AGENT = {"User-Agent": "lrms-gateway-client"}


class _NoNetrc(AuthBase):
    """With no auth at all, requests would take one from ~/.netrc in place of ours."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _NoTokenError(Exception):
    """Who asks could not be said, so nothing was sent. It was tried again already."""

    def __init__(self, error: ClientError) -> None:
        super().__init__(str(error))
        self.error = error


class Sender:
    """Sends calls to one gateway."""

    def __init__(
        self,
        base_url: str,
        *,
        session: requests.Session,
        identity: Identity,
        certificates: Certificates,
        timeout: float,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self.base_url, self._session, self._identity = base_url, session, identity
        self._certificates = certificates
        self._timeouts = (min(timeout, _LONGEST_CONNECT), timeout)
        self.patience, self.clock = patience, clock

    def send(
        self,
        call: Call,
        *,
        patience: Patience | None = None,
        on_error: Callable[[ClientError], None] | None = None,
    ) -> Answer:
        """The answer, where it is a success; else raises what it means, after the attempts that
        are safe. ``on_error`` is told of the error of every attempt."""

        def try_once() -> Answer:
            try:
                return self._try(call)
            except ClientError as error:
                if on_error:
                    on_error(error)
                raise

        what = f"{call.method} {call.path}"
        retrying = make_retrying(patience or self.patience, self.clock, _may_retry, what)
        try:
            return retrying(try_once)
        except _NoTokenError as failed:
            raise failed.error from None

    def _try(self, call: Call) -> Answer:
        try:
            identity = self._identity.make_headers()
        except ClientError as error:
            raise _NoTokenError(error) from None
        # An id of our own, a new one for every attempt: one without an answer can be found too.
        request_id = str(uuid.uuid4())
        try:
            response = self._session.request(
                call.method,
                self.base_url + call.path,
                params=dict(call.query),
                headers={**_AGENT, "X-Request-ID": request_id, **call.headers, **identity},
                data=call.body() if callable(call.body) else call.body,
                auth=_NoNetrc(),
                timeout=self._timeouts,
                # A redirect would carry the key to another address, and turn a POST into a GET.
                allow_redirects=False,
                stream=call.is_streamed,
                # Here and not on the session: there REQUESTS_CA_BUNDLE would win over ours.
                verify=self._certificates.trusted,
                cert=self._certificates.shown,
            )
        except requests.RequestException as error:
            # Without its cause: that shows the whole address, and with it a local id.
            raise make_unreachable(error, Told(request_id=request_id)) from None
        if response.status_code == 401:
            self._identity.forget()
        try:
            check_answer(response, self.clock.now())
        except ClientError:
            response.close()
            raise
        return Answer(response, read_told(response, self.clock.now()))


def _may_retry(error: BaseException) -> bool:
    match error:
        case NotNowError() | InFlightError() | ServerError(status=502 | 504):
            return True
        case UnreachableError():
            return not error.is_lasting
    return False
