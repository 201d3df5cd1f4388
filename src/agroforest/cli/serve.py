"""``agroforest serve``: the desk where alerts are reviewed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    choose_database,
)


def serve(
    *,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML; see docs/desk.md. · 研判台设置"),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; beyond this machine, behind HTTPS."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one. · 端口")
    ] = 8000,
    database: Database = "",
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Open the review desk in the browser until stopped.

    What nights found since is brought to the queue first.
    """
    from agroforest.core.errors import ConfigurationError
    from agroforest.desk.bureau import open_bureau
    from agroforest.desk.settings import read_desk
    from agroforest.desk.work import follow
    from agroforest.store import PROMPT_S, open_store

    try:
        from agroforest.web.app import build_desk
        from agroforest.web.app_parts import build_parts
        from agroforest.web.serve import open_socket
        from agroforest.web.serve import serve as run
        from agroforest.web.site import Site
    except ImportError as error:
        raise ConfigurationError(
            "serve",
            f"needs {error.name}",
            "install it: pip install 'agroforest[web]'",
        ) from error

    bureau = open_bureau(read_desk(config))
    place = choose_database(work, database)
    with open_store(place, silence_s=PROMPT_S) as store:
        follow(store, bureau, datetime.now(UTC))
        if not store.desk.accounts():
            typer.echo(
                "还没有账号 nobody can log in yet: agroforest account add NAME "
                "--role admin",
                err=True,
            )
        site = Site(store, bureau, host=host)
        app = build_desk(site, routers=build_parts(site, work))
        with open_socket(host, port) as door:
            shown = f"[{host}]" if ":" in host else host
            address = f"http://{shown}:{door.getsockname()[1]}"
            if as_json:
                typer.echo(json.dumps({"url": address}))
            else:
                typer.echo(f"研判台 review desk: {address}")
            run(app, door)
