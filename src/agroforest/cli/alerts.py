"""``agroforest alerts``: the queue of cases, one case, and files of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli import alerts_acts
from agroforest.cli.alerts_words import plain_case, plain_row, tell_case, tell_row
from agroforest.cli.desk_options import (
    DEFAULT_WORK,
    CaseId,
    Config,
    Database,
    Json,
    WorkFolder,
    dump,
    follow_nights,
    open_desk_store,
    read_day,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum
    from typing import TypeVar

    from agroforest.core.queue import CaseQuery
    from agroforest.core.review import Case
    from agroforest.store import Store

    _Word = TypeVar("_Word", bound=StrEnum)

app = typer.Typer(
    help="Review alerts: the queue and what people decide. · 预警研判",
    no_args_is_help=True,
)

_ENOUGH = 1000
_PAGE = 500
Stages = Annotated[
    list[str] | None,
    typer.Option("--stage", help="pre-screen, verdict, supervisor, decided, closed …"),
]
Hazards = Annotated[
    list[str] | None,
    typer.Option("--hazard", help="canopy-stress, canopy-loss, active-fire."),
]
Counties = Annotated[list[str] | None, typer.Option("--county", help="Code.")]
Since = Annotated[str, typer.Option(help="First night from, 2024-05-01.")]
Until = Annotated[str, typer.Option(help="First night up to.")]


@app.callback()
def alerts() -> None:
    """预警研判：待办、研判、合并、导出 · Review alerts."""


@app.command(name="list")
def list_cases(
    *,
    stage: Stages = None,
    hazard: Hazards = None,
    county: Counties = None,
    assignee: Annotated[str, typer.Option(help="Account; - for nobody.")] = "",
    since: Since = "",
    until: Until = "",
    least_ha: Annotated[float | None, typer.Option(min=0, help="Area from.")] = None,
    least_probability: Annotated[
        float | None, typer.Option(min=0, max=1, help="Probability from.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(help="rank, newest, oldest, area, probability or changed."),
    ] = "rank",
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="How many.")] = 50,
    after: Annotated[str, typer.Option(help="Cursor of the page before.")] = "",
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """待办队列 · List cases, the most pressing first.

    Without --stage those that wait for somebody: pre-screen, verdict, supervisor.
    """
    from dataclasses import replace

    from agroforest.core.queue import Order

    query = _ask(stage, hazard, county, since=since, until=until)
    query = replace(
        query,
        assignee=assignee,
        least_ha=least_ha,
        least_probability=least_probability,
        order=_read_words("--order", [order], Order)[0],
        limit=limit,
        after=after,
    )
    with open_desk_store(work, database) as store:
        follow_nights(store, config)
        page = store.desk.queue(query)
        count = store.desk.count(query, _ENOUGH)
    if as_json:
        rows = [plain_row(row) for row in page.rows]
        dump({"count": count, "cases": rows, "next": page.next})
        return
    more = "+" if count == _ENOUGH else ""
    typer.echo(f"{count}{more} 件 · cases")
    for row in page.rows:
        typer.echo(tell_row(row))
    if page.next:
        typer.echo(f"下一页 next page: --after {page.next}")


@app.command()
def show(
    case: CaseId,
    *,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """一件预警的全部经过 · Show a case and everything that was done to it."""
    from agroforest.core.errors import DataError

    with open_desk_store(work, database) as store:
        follow_nights(store, config)
        found = store.desk.case(case)
        if found is None:
            raise DataError(
                f"case {case}", "is not known", "list them: agroforest alerts list"
            )
        steps = store.desk.steps(case)
    if as_json:
        dump(plain_case(found, steps))
        return
    for line in tell_case(found, steps):
        typer.echo(line)


@app.command()
def export(
    out: Annotated[
        Path,
        typer.Argument(
            help=".gpkg, .zip (Shapefile), .geojson, .kml, .gpx, .csv, .fgb."
        ),
    ],
    *,
    stage: Stages = None,
    hazard: Hazards = None,
    county: Counties = None,
    since: Since = "",
    until: Until = "",
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Outlines as they are, not coarsened to 0.01°."),
    ] = False,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """导出 · Write cases to a file; its suffix says the format.

    Coordinates are coarsened for the public unless --exact is given. Cases of
    pipelines that --config calls simulated are marked as such.
    """
    from agroforest.publish.rows import Manner
    from agroforest.publish.vectors import write_cases

    query = _ask(stage, hazard, county, since=since, until=until)
    with open_desk_store(work, database) as store:
        bureau = follow_nights(store, config)
        unreal = filter(bureau.is_simulated, bureau.pipelines)
        everything = bureau.settings.notify.simulated
        manner = Manner(exact=exact, simulated=everything or frozenset(unreal))
        count = write_cases(out, _read_cases(store, query), manner=manner)
    if as_json:
        dump({"file": str(out), "cases": count})
        return
    typer.echo(f"{out}  {count} 件 · cases")


alerts_acts.register(app)


def _ask(
    stage: list[str] | None,
    hazard: list[str] | None,
    county: list[str] | None,
    *,
    since: str,
    until: str,
) -> "CaseQuery":
    from agroforest.core.queue import CaseQuery
    from agroforest.core.review import WAITING, Stage
    from agroforest.core.risk import Hazard

    stages = _read_words("--stage", stage or [], Stage)
    return CaseQuery(
        stages=stages or tuple(s for s in Stage if s in WAITING),
        hazards=_read_words("--hazard", hazard or [], Hazard),
        counties=tuple(county or ()),
        since=read_day("--since", since),
        until=read_day("--until", until),
    )


def _read_cases(store: "Store", query: "CaseQuery") -> "Iterator[Case]":
    """Read cases a page at a time: an export of many needs little memory."""
    from itertools import islice

    from agroforest.desk.learning import read_rows

    rows = read_rows(store, query)
    while page := [row.id for row in islice(rows, _PAGE)]:
        found = store.desk.cases(page)
        yield from (found[name] for name in page if name in found)


def _read_words(
    option: str, words: list[str], kind: "type[_Word]"
) -> "tuple[_Word, ...]":
    from agroforest.core.errors import ConfigurationError

    for word in words:
        if word not in set(kind):
            raise ConfigurationError(
                option, f"{word!r} is not known", f"give one of {', '.join(kind)}"
            )
    return tuple(kind(word) for word in words)
