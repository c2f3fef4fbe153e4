"""What may be read by anybody: the CapabilityStatement, the taxonomy as FHIR, and whether we are
up."""

from functools import lru_cache, partial
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from gateway.api import documented
from gateway.api.problems import FHIR_JSON, ApiProblem
from gateway.bootstrap import Gateway
from gateway.fhir.capability import make_capability
from gateway.fhir.models import Release
from gateway.fhir.taxonomy import find_resource, list_resources

router = APIRouter(tags=["taxonomy"])
Kind = Annotated[
    Literal["StructureDefinition", "ValueSet", "CodeSystem"],
    Path(description="the kind of resource"),
]
# Until the software changes: one of a week ago may still be right.
_CACHED: Final = {"Cache-Control": "public, max-age=3600"}


@router.get(
    "/adverse-event/fhir/metadata",
    response_class=Response,
    responses={**documented.CAPABILITY, **documented.OPEN_FHIR_PROBLEMS},
)
async def get_metadata(request: Request) -> Response:
    """What this server does, and the AdverseEvent profile of each taxonomy version. In the shape
    of STU3 where Accept asks for fhirVersion=3.0."""
    release: Release = "STU3" if "fhirversion=3.0" in _accepts(request) else "R4"
    gateway: Gateway = request.app.state.gateway
    begun: str = request.app.state.begun.isoformat(timespec="seconds")
    base = gateway.settings.public_url.rstrip("/")
    content = await run_in_threadpool(_make_capability, release, base, begun)
    return Response(content, headers=_CACHED, media_type=FHIR_JSON)


@router.get(
    "/taxonomy/fhir/{kind}/{id}",
    response_class=Response,
    responses={**documented.TAXONOMY, **documented.OPEN_FHIR_PROBLEMS},
)
async def get_resource(
    kind: Kind,
    id: Annotated[str, Path(max_length=128, description="ends in the version")],  # noqa: A002
) -> Response:
    """One resource of the taxonomy, of version 4, 5 or 6."""
    content = await run_in_threadpool(find_resource, kind, id)
    if content is None:
        raise ApiProblem(
            404,
            "not-found",
            f"No such {kind}",
            f"GET /taxonomy/fhir/{kind} lists those there are; ids end in -4, -5 or -6.",
        )
    return Response(content, headers=_CACHED, media_type=FHIR_JSON)


@router.get(
    "/taxonomy/fhir/{kind}",
    response_class=Response,
    responses={**documented.SEARCHSET, **documented.OPEN_FHIR_PROBLEMS},
)
async def list_kind(
    request: Request,
    kind: Kind,
    url: Annotated[str | None, Query(max_length=500, description="its canonical address")] = None,
    version: Annotated[Literal["4", "5", "6"] | None, Query(description="of the taxonomy")] = None,
) -> Response:
    """The resources of a kind, in a searchset."""
    base = request.app.state.gateway.settings.public_url.rstrip("/")
    find = partial(list_resources, kind, url, version, link=f"{base}/taxonomy/fhir/{kind}")
    content = await run_in_threadpool(find)
    return Response(content, headers=_CACHED, media_type=FHIR_JSON)


@router.get("/health/live", responses=documented.LIVE)
async def get_live() -> JSONResponse:
    """Whether this process answers, whatever the database does: one that does not is to be started
    anew."""
    return JSONResponse({"status": "pass"})


@router.get("/health", responses=documented.HEALTH)
def get_health(request: Request) -> JSONResponse:
    """Whether we can answer: the database does. Where it does not, requests are to go elsewhere;
    starting anew would not help."""
    gateway: Gateway = request.app.state.gateway
    with gateway.store.read() as work:
        work.batches.count("held")
    return JSONResponse({"status": "pass"})


@lru_cache(maxsize=4)
def _make_capability(release: Release, base: str, begun: str) -> bytes:
    return make_capability(base, begun, release=release)


def _accepts(request: Request) -> str:
    return request.headers.get("accept", "").lower().replace(" ", "")
