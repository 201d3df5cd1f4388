"""Running an application on this machine, until stopped."""

import gc
import socket
import sys

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from agroforest import __version__
from agroforest.core.errors import ConfigurationError

#: Connections at a time, and seconds that an idle one is kept. Arbitrary.
_CONNECTIONS, _IDLE_S = 64, 10
#: How long a thread computes before another one may, seconds. A page lets go of Python
#: at each row it reads, and a tile at each step; with the usual 5 ms either waits that
#: long for its turn every time while others compute. Arbitrary.
_TURN_S = 0.0005
#: Names of this machine, to itself.
OWN = ("127.0.0.1", "localhost", "::1")


def build_app(router: APIRouter, *, host: str) -> FastAPI:
    """Build an application around one router.

    Parameters
    ----------
    router
        What it serves.
    host
        Where it will listen. On this machine alone, requests must name it: else a
        page elsewhere could make a browser here read it under a name of its own.
    """
    app = FastAPI(title="agroforest", version=__version__, docs_url=None)
    app.include_router(router)
    if host in OWN:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*OWN, "[::1]"])
    return app


def open_socket(host: str, port: int) -> socket.socket:
    """Open a socket to listen on; port 0 takes a free one.

    Raises
    ------
    ConfigurationError
        The address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"{host}:{port}", f"cannot be opened ({error})", "choose another --port"
        ) from error


def serve(app: FastAPI, door: socket.socket) -> None:
    """Answer requests until SIGTERM or Ctrl-C."""
    sys.setswitchinterval(_TURN_S)
    gc.collect()
    gc.freeze()  # what is there now stays; to look through it each time takes longer
    config = uvicorn.Config(
        app,
        log_config=None,  # our handlers: JSON where that was asked for, no secrets
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_IDLE_S,
        lifespan="off",
    )
    uvicorn.Server(config).run(sockets=[door])
