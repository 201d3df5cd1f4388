"""``agroforest review``: what is learned from verdicts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.alerts_words import say, show
from agroforest.cli.desk_options import (
    DEFAULT_WORK,
    As,
    Database,
    Json,
    NoteText,
    WorkFolder,
    dump,
    find_account,
    open_desk_store,
    read_now,
)

if TYPE_CHECKING:
    from agroforest.core.threshold import Threshold, ThresholdSet
    from agroforest.review.thresholds import Effect, Proposal
    from agroforest.store import Store

app = typer.Typer(help="Learn from verdicts. · 从研判中学习", no_args_is_help=True)
thresholds = typer.Typer(
    help="Thresholds by hazard and county. · 分灾种分县阈值", no_args_is_help=True
)
app.add_typer(thresholds, name="thresholds")

Target = Annotated[
    float,
    typer.Option(min=0.01, max=0.99, help="Share of queued cases to be confirmed."),
]
Least = Annotated[
    int, typer.Option(min=5, help="Verdicts that a threshold must rest on.")
]
_TARGET, _LEAST = 0.8, 30


@app.callback()
def review() -> None:
    """从研判中学习：导出标签、校准阈值 · Labels and thresholds from verdicts."""


@app.command(name="export-labels")
def export_labels(
    out: Annotated[Path, typer.Argument(help="Folder to write.", file_okay=False)],
    *,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """导出标签 · Write approved verdicts as labels that models learn from.

    survey.gpkg for `model train canopy-damage --labels`, fires.csv and static.geojson
    for `model train fire-occurrence`, refused.csv with the verdicts that are no label.
    """
    from agroforest.desk.label_files import write_labels
    from agroforest.desk.learning import read_fires, read_judged
    from agroforest.review.labels import sort_labels

    with open_desk_store(work, database) as store:
        fires = read_fires(store)
        labels, refused = sort_labels(read_judged(store), fires)
        facts = {alert.id: known for alert, known in fires}
        counts = write_labels(out, labels, refused, facts)
    if as_json:
        dump({"folder": str(out), "files": counts})
        return
    for name, count in counts.items():
        typer.echo(f"{out / name}  {count}" if count else f"{name}  —")


@thresholds.command()
def propose(
    *,
    target: Target = _TARGET,
    least: Least = _LEAST,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """由研判给出建议阈值及其影响 · Propose thresholds, and show their effect.

    Nothing is changed. Cases below a threshold would be recorded and not queued.
    """
    with open_desk_store(work, database) as store:
        proposals, after, standing = _propose(store, target, least)
        effects = _weigh(store, after)
    if as_json:
        dump(
            {
                "in_force": standing,
                "proposals": [_plain_proposal(p) for p in proposals],
                "effect": [_plain_effect(e) for e in effects],
            }
        )
        return
    for proposal in proposals:
        typer.echo(_tell_proposal(proposal))
    for effect in effects:
        typer.echo(_tell_effect(effect))
    if any(p.threshold for p in proposals):
        typer.echo("采用 to take them: agroforest review thresholds take")


@thresholds.command(name="show")
def show_thresholds(
    *,
    every: Annotated[bool, typer.Option("--all", help="Every version.")] = False,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """现行阈值 · Show the thresholds in force, or every version."""
    with open_desk_store(work, database) as store:
        found = store.desk.thresholds()
        effects = _weigh(store, found[-1].thresholds if found else ())
    shown = found if every else found[-1:]
    if as_json:
        dump([_plain_set(each) for each in shown])
        return
    if not found:
        typer.echo("没有阈值 · no thresholds: every alert is queued")
    for each in shown:
        typer.echo(_tell_set(each))
        for one in each.thresholds:
            typer.echo(f"  {_tell_threshold(one)}")
    for effect in effects if found else ():
        typer.echo(_tell_effect(effect))


@thresholds.command()
def take(
    *,
    target: Target = _TARGET,
    least: Least = _LEAST,
    version: Annotated[
        int | None,
        typer.Option(min=0, help="In force when you looked; refused if it changed."),
    ] = None,
    note: NoteText = "",
    who: As = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """采用建议阈值，自下一夜起生效 · Take what `propose` shows, from the next night on.

    Thresholds that no proposal replaces stay as they are.
    """
    from agroforest.core.errors import DataError
    from agroforest.desk import learning

    with open_desk_store(work, database) as store:
        by = find_account(store, who)
        proposals, after, _ = _propose(store, target, least)
        if not any(p.threshold for p in proposals):
            raise DataError(
                "review thresholds",
                "verdicts propose none",
                "look at why: agroforest review thresholds propose",
            )
        new = learning.take(store, after, by, now=read_now(), note=note, seen=version)
    _tell_taken(new, as_json=as_json)


@thresholds.command()
def revert(
    version: Annotated[int, typer.Argument(min=0, help="Of before; 0 for none.")],
    *,
    note: NoteText = "",
    who: As = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """恢复早先版本 · Put the thresholds of an earlier version in force again."""
    from agroforest.desk import learning

    with open_desk_store(work, database) as store:
        by = find_account(store, who)
        new = learning.revert(store, version, by, now=read_now(), note=note)
    _tell_taken(new, as_json=as_json)


def _propose(
    store: "Store", target: float, least: int
) -> "tuple[list[Proposal], tuple[Threshold, ...], int]":
    """Propose; with what would be in force then, and the version that is now."""
    from agroforest.desk.learning import find_standing, read_decided
    from agroforest.review.thresholds import join_thresholds, list_judged, propose

    judged = list_judged(read_decided(store))
    proposals = propose(judged, target=target, least=least)
    standing = find_standing(store)
    now = () if standing is None else standing.thresholds
    version = 0 if standing is None else standing.version
    return proposals, join_thresholds(now, proposals), version


def _weigh(store: "Store", found: "tuple[Threshold, ...]") -> "list[Effect]":
    from agroforest.desk.learning import read_waiting
    from agroforest.review.thresholds import weigh

    return weigh(found, read_waiting(store))


def _tell_proposal(proposal: "Proposal") -> str:
    outcomes = {
        "proposed": "建议 proposed",
        "met": "已达目标，无需阈值 target met without one",
        "too-few": "研判太少 too few verdicts",
        "out-of-reach": "达不到目标 target out of reach",
    }
    share = f"{proposal.confirmed}/{proposal.verdicts} 确认 confirmed"
    line = f"{say(proposal.hazard)}  {_place(proposal.county)}  {share}  "
    line += outcomes[proposal.outcome]
    if proposal.threshold is not None:
        line += f" {_measure(proposal.threshold)}"
        if proposal.lost:
            line += f"；将漏掉已确认 would have hidden {proposal.lost} confirmed"
    return line


def _tell_effect(effect: "Effect") -> str:
    at = "—" if effect.value is None else f"{effect.value:.3f}"
    where = _place(effect.county) if any(effect.county) else "县未知 county unknown"
    return (
        f"待初筛 waiting: {say(effect.hazard)}  {where}  阈值 threshold {at}  "
        f"{effect.below}/{effect.waiting} 低于阈值 below it"
    )


def _tell_set(each: "ThresholdSet") -> str:
    line = f"第 {each.version} 版 version  {each.time:%Y-%m-%d %H:%M} UTC  {each.by}"
    if each.reverts_to:
        line += f"  恢复第 {each.reverts_to} 版 reverts to it"
    return show(f"{line}  {each.note}".rstrip())


def _tell_threshold(one: "Threshold") -> str:
    return (
        f"{say(one.hazard)}  {show(one.county) or '各县 everywhere'}  {_measure(one)}"
    )


def _measure(one: "Threshold") -> str:
    return (
        f"{one.value:.3f}（{one.verdicts} 件中确认 {one.precision:.0%}"
        f"，95 % {one.low:.0%} … {one.high:.0%}）"
    )


def _tell_taken(new: "ThresholdSet", *, as_json: bool) -> None:
    if as_json:
        dump(_plain_set(new))
        return
    typer.echo(_tell_set(new))
    for one in new.thresholds:
        typer.echo(f"  {_tell_threshold(one)}")


def _place(county: tuple[str, str, str]) -> str:
    code, zh, en = county
    return show(" ".join(filter(None, (zh, en)))) or code or "各县 everywhere"


def _plain_proposal(proposal: "Proposal") -> dict[str, Any]:
    from dataclasses import asdict

    told = asdict(proposal)
    return told | {"hazard": str(proposal.hazard), "outcome": str(proposal.outcome)}


def _plain_effect(effect: "Effect") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(effect)


def _plain_set(each: "ThresholdSet") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(each) | {"time": each.time.isoformat()}
