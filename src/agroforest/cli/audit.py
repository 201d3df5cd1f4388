"""``agroforest audit``: who did what, and whether the record is whole."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.alerts_words import show as clean
from agroforest.cli.desk_options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    dump,
    open_desk_store,
)

if TYPE_CHECKING:
    from agroforest.core.audit import Deed
    from agroforest.core.chain import Sealed

app = typer.Typer(help="Who did what. · 审计", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """审计：查看、校验 · Who did what, in a chain that shows what was changed."""


@app.command()
def show(
    *,
    subject: Annotated[str, typer.Option(help="Id of a case, name of …")] = "",
    who: Annotated[str, typer.Option(help="Account, or operator.")] = "",
    what: Annotated[str, typer.Option(help="Such as case.confirm.")] = "",
    before: Annotated[
        int | None, typer.Option(min=1, help="Only entries of lower numbers.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 50,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """查看审计记录，最新在前 · Show the audit, the newest first.

    Valves have a chain of their own: agroforest valve audit.
    """
    with open_desk_store(work, database) as store:
        found = store.desk.deeds(
            subject=subject, who=who, what=what, before=before, limit=limit
        )
    if as_json:
        dump([_plain(each) for each in found])
        return
    for each in found:
        typer.echo(_tell(each))


@app.command()
def verify(
    *,
    head: Annotated[
        list[str] | None,
        typer.Option(help="A digest noted before: one of the chains must hold it."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """校验两条审计链（研判与阀门） · Follow both chains, of the desk and of valves.

    Ends with an error that names the first entry that was changed, removed or added.
    That entries were cut off the end is seen only with a digest noted before.
    """
    from agroforest.core.chain import check_chain

    with open_desk_store(work, database) as store:
        valves = store.valve_audit()
        last = check_chain(valves)
        deeds = store.desk.check_audit(set(head or ()) - {v.digest for v in valves})
        newest = store.desk.deeds(limit=1)
    if as_json:
        dump(
            {
                "desk": {
                    "entries": deeds,
                    "digest": newest[0].digest if newest else "",
                },
                "valves": {"entries": len(valves), "digest": last if valves else ""},
            }
        )
        return
    typer.echo(f"研判 desk: {deeds} 条完整 · entries, whole")
    typer.echo(f"阀门 valves: {len(valves)} 条完整 · entries, whole")
    if newest:
        typer.echo(f"最后一条 last: {newest[0].number} {newest[0].digest}")
    if valves:
        typer.echo(f"阀门最后一条 last of valves: {len(valves)} {last}")
    typer.echo(
        "请将链尾摘要另存别处，日后用 --head 核对，可发现链尾被截断或整链被替换 · "
        "keep the last digests elsewhere: --head DIGEST then shows whether the end was "
        "cut off or all of it replaced"
    )


def _tell(each: "Sealed[Deed]") -> str:
    deed = each.entry
    parts = [
        str(each.number),
        f"{deed.time:%Y-%m-%d %H:%M:%S}",
        deed.who,
        deed.what,
        deed.subject,
        deed.why,
    ]
    return "  ".join(clean(part) for part in parts if part)


def _plain(each: "Sealed[Deed]") -> dict[str, Any]:
    deed = each.entry
    return {
        "number": each.number,
        "time": deed.time.isoformat(),
        "who": deed.who,
        "what": deed.what,
        "subject": deed.subject,
        "why": deed.why,
        "before": dict(deed.before),
        "after": dict(deed.after),
        "previous": each.previous,
        "digest": each.digest,
    }
