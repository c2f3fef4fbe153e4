"""Baseline of single creates: the barest server that could take them. Starlette reads the JSON
body, one INSERT puts it into PostgreSQL under its key, and 201 says so. No keys, no checks, no
revisions, no receipt, no audit, no alerts, no FHIR in the answer.

Of what was tried the fastest (2026-11-27, CPU ms a request): the text of the body as it came over
psycopg's own asyncio, a connection for each client, 0.28; the same synchronously in Starlette's
threads, 0.41; ``request.json()`` and psycopg's ``Jsonb``, 0.40.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/AdverseEvent"
TABLE = "bare_creates"
_CONNECTIONS = 32
_INSERT = f"INSERT INTO {TABLE} (key, payload) VALUES (%s, %s::jsonb)"


def prepare(url: str) -> None:
    with psycopg.connect(url) as server:
        server.execute(f"CREATE TABLE {TABLE} (key text PRIMARY KEY, payload jsonb NOT NULL)")


async def create(request: Request) -> Response:
    body = await request.body()
    key = msgspec.json.decode(body)["identifier"]["value"]
    free: asyncio.LifoQueue[psycopg.AsyncConnection] = request.app.state.free
    connection = await free.get()
    try:
        await connection.execute(_INSERT, (key, body.decode()))
    finally:
        free.put_nowait(connection)
    return Response(msgspec.json.encode({"id": key}), 201, media_type="application/json")


def make_app(url: str) -> Starlette:
    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        app.state.free = asyncio.LifoQueue()
        for _ in range(_CONNECTIONS):
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
            app.state.free.put_nowait(connection)
        yield

    return Starlette(routes=[Route(PATH, create, methods=["POST"])], lifespan=live)


if __name__ == "__main__":
    # As gateway.api.serve runs the gateway's.
    uvicorn.run(
        make_app(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
    )
