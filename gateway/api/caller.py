"""Who calls: a subscription key or an access token, and the certificate the proxy saw. A router
asks for it once, so that no route can forget it."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import (
    APIKeyHeader,
    HTTPAuthorizationCredentials,
    HTTPBearer,
    SecurityScopes,
)

from gateway.api.asking import Asking
from gateway.api.problem_codes import Code
from gateway.api.problems import ApiProblem
from gateway.api.throttle import take_request
from gateway.identity.callers import Callers
from gateway.identity.certificates import check_certificate
from schemas.identity import Caller
from schemas.sandbox import KEY_PREFIX

KEY_HEADER: Final = "Ocp-Apim-Subscription-Key"
_key = APIKeyHeader(
    name=KEY_HEADER,
    auto_error=False,
    scheme_name="subscriptionKey",
    description="The key of a registered source; it may be replaced at any time by its second.",
)
_token = HTTPBearer(
    auto_error=False,
    scheme_name="accessToken",
    description="An access token of POST /oauth2/token.",
)


async def get_caller(
    request: Request,
    required: SecurityScopes,
    key: Annotated[str | None, Depends(_key)],
    token: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)],
) -> Caller:
    """401 without a key or token that is good now, 403 without a scope that the route needs, 429
    beyond the source's limits: all before a byte of the body is read."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = await _find_caller(request, key, token.credentials if token else None)
        request.state.caller = known
        request.scope["lrms.source_id"] = known.source_id
        take_request(request, known)
    missing = set(required.scopes) - known.scopes
    if missing:
        raise ApiProblem(
            403,
            "scope-missing",
            "The token does not reach so far",
            f"This address needs the scope {' '.join(sorted(missing))}.",
        )
    return known


class QuickRoute(APIRoute):
    """A route that takes its request and its caller, and nothing else. FastAPI documents it as any
    other; the caller is found in the same way, without its resolving of dependencies, which takes
    a third of its time (70 of 200 µs, 2026-11-27). Not where something else is to be asked too."""

    scopes: tuple[str, ...] = ()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        if any(one.dependency is not get_caller for one in self.dependencies):
            return super().get_route_handler()
        endpoint, required = self.endpoint, SecurityScopes(list(self.scopes))

        async def handle(request: Request) -> Response:
            key, token = await _key(request), await _token(request)
            caller = await get_caller(request, required, key, token)
            answer: Response = await endpoint(request, caller)
            return answer

        return handle


async def _find_caller(request: Request, key: str | None, token: str | None) -> Caller:
    callers: Callers = request.app.state.callers
    asking: Asking = request.app.state.asking
    if key and key.startswith(KEY_PREFIX) and not request.app.state.gateway.settings.sandbox:
        # Everybody knows these.
        found = None
    elif key:
        found = callers.peek_key(key) or await asking.ask(callers.find_by_key, key)
    elif token:
        found = callers.peek_token(token) or await asking.ask(callers.find_by_token, token)
    else:
        raise _refuse("credentials-missing", "A subscription key or an access token is needed")
    if found is None:
        what = "subscription key" if key else "access token"
        raise _refuse("credentials-refused", f"This {what} is not known, or not good any more")
    host = request.client.host if request.client else ""
    told = request.headers.getlist("client-cert")
    # Two are one of the proxy's and one of the client's own making: which is which?
    certificate = told[0] if len(told) == 1 else None
    check_certificate(found, host, certificate, request.app.state.proxies)
    return found


def _refuse(code: Code, title: str) -> ApiProblem:
    return ApiProblem(
        401,
        code,
        title,
        f"Send the header {KEY_HEADER}, or Authorization: Bearer with a token of POST"
        " /oauth2/token. Keys come from the operator of the gateway.",
        headers={"WWW-Authenticate": 'Bearer realm="lrms-gateway"'},
    )
