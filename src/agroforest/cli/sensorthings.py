"""``agroforest sensors pull`` and ``serve``: SensorThings, from others and for them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    choose_database,
)
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.nightly.pull import Pulled


def register(app: typer.Typer) -> None:
    """Add the commands to ``agroforest sensors``."""
    app.command(name="pull")(pull)
    app.command(name="serve")(serve)


def pull(
    url: Annotated[
        str, typer.Argument(help="Root of a SensorThings 1.1 service. · 服务地址")
    ],
    *,
    since: Annotated[
        datetime | None,
        typer.Option(help="Ask for everything later, UTC; else for what is new."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML that says what its names mean; docs/sensorthings.md."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Host that may be in this machine's own network; repeat it."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Ask a service for readings that are new, flag doubtful ones, and keep them all.

    User and password are taken from ~/.netrc.
    """
    from agroforest.core.errors import SourceError
    from agroforest.nightly.pull import pull as run
    from agroforest.sensors.sensorthings import read_service_mapping
    from agroforest.store import open_store

    meant = None if mapping is None else read_service_mapping(mapping)
    with Bar() as bar, open_store(choose_database(work, database)) as store:
        done = run(
            url,
            store,
            now=datetime.now(UTC),
            mapping=meant,
            since=None if since is None else since.replace(tzinfo=UTC),
            allow_hosts=tuple(allow_host or ()),
            tell=lambda place, number: bar.reached(place, number, "datastreams"),
        )
    _say(done, as_json=as_json)
    if done.stopped:
        raise SourceError(url, "not everything was read", "see the lines above")


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets everybody read.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one. · 端口")
    ] = 8077,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the service for its links, behind a proxy."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Let others read sensors and readings by SensorThings 1.1, until stopped.

    Nothing can be written. There are no accounts: beyond this machine, put a proxy
    in front that asks for them.
    """
    from agroforest.core.errors import ConfigurationError
    from agroforest.store import open_store

    try:
        from agroforest.web.sensorthings import build_router
        from agroforest.web.serve import build_app, open_socket
        from agroforest.web.serve import serve as run
    except ImportError as error:
        raise ConfigurationError(
            "sensors serve",
            f"needs {error.name}",
            "install it: pip install 'agroforest[web]'",
        ) from error

    with open_store(choose_database(work, database)) as store:
        app = build_app(build_router(store, url=url), host=host)
        with open_socket(host, port) as door:
            shown = f"[{host}]" if ":" in host else host
            address = f"http://{shown}:{door.getsockname()[1]}/v1.1"
            if as_json:
                typer.echo(json.dumps({"url": address}))
            else:
                typer.echo(f"只读服务 read-only service: {address}")
            run(app, door)


def _say(done: "Pulled", *, as_json: bool) -> None:
    from dataclasses import asdict

    for problem in (*done.problems, done.stopped):
        if problem:
            typer.echo(problem, err=True)
    for one in done.streams:
        for row in one.reasons:
            typer.echo(
                f"Datastream {one.id}: observation {row.line}: {row.reason}", err=True
            )
        if one.refused > len(one.reasons):
            rest = one.refused - len(one.reasons)
            typer.echo(f"Datastream {one.id}: {rest} more refused", err=True)
        if one.problem:
            typer.echo(one.problem, err=True)
    if as_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    for one in done.streams:
        depth = "" if one.depth_m is None else f" {one.depth_m:g} m"
        typer.echo(
            f"{one.sensor} {one.variable}{depth}: {one.added} 新增 added, "
            f"{one.known} 已有 known, {one.conflicts} 冲突 in conflict, "
            f"{one.flagged} 有标记 flagged, {one.refused} 未采用 refused"
        )
    typer.echo(
        f"{done.service}: {len(done.streams)} 个数据流 datastreams, "
        f"{len(done.problems)} 未识别 not understood, "
        f"{sum(one.added for one in done.streams)} 新增读数 readings added"
    )
