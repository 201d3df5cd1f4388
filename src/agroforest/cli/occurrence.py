"""``agroforest model train fire-occurrence --hotspots``: learning where it burns."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.fire.judged import Verdict
    from agroforest.fire.occurrence import OccurrenceReport

_PANEL = "fire-occurrence"


def _option(words: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(help=words, rich_help_panel=_PANEL)
    return found


Hotspots = Annotated[
    list[Path] | None,
    _option("CSV of FIRMS to learn fire-occurrence from; may be repeated."),
]
Weather = Annotated[
    Path | None, _option("Weather of the same time, as for `agroforest fire danger`.")
]
Area = Annotated[Path | None, _option("Polygons of the area of the hotspots.")]
Covered = Annotated[
    Path | None,
    _option(
        "CSV of the UTC dates that were observed completely; every day from the first "
        "hotspot to the last if not given."
    ),
]
Static = Annotated[
    Path | None, _option("Mask of static heat sources; learned if not given.")
]
Terrain = Annotated[Path | None, _option("Terrain model, metres.")]
Mapping = Annotated[
    Path | None, _option("TOML that says what the columns of the weather mean.")
]
Cell = Annotated[
    float,
    typer.Option(
        min=100,
        max=100_000,
        help="Side of a cell, metres.",
        rich_help_panel=_PANEL,
    ),
]
TimeBlocks = Annotated[str, _option("Held out at once: month or year.")]
Simulated = Annotated[
    bool,
    typer.Option(
        "--simulated",
        help="The hotspots were not observed; the card says so.",
        rich_help_panel=_PANEL,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON (with --hotspots).", rich_help_panel=_PANEL
    ),
]
CELL, TIME_BLOCKS = 5000.0, "month"
_NAMES = ("fire-occurrence", "fire-occurrence-local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line says; see the options of this module."""

    name: str
    hotspots: tuple[Path, ...]
    weather: Path | None
    aoi: Path | None
    covered: Path | None
    static: Path | None
    scenes: Path | None
    terrain: Path | None
    mapping: Path | None
    cell: float
    blocks: str
    out: Path
    seed: int
    simulated: bool
    as_json: bool


def learn(asked: Asked) -> None:
    """Train on hotspots, write the model and say how it does on days not seen."""
    from agroforest.core.errors import ConfigurationError
    from agroforest.fire.assemble import Layers
    from agroforest.fire.occurrence import OccurrenceRequest, train_occurrence
    from agroforest.fire.splits import TimeBlock
    from agroforest.fire.weather_on_cells import WeatherFile

    if asked.name not in _NAMES:
        raise ConfigurationError(
            asked.name, "does not learn from hotspots", f"name {_NAMES[0]}"
        )
    if not asked.hotspots or asked.weather is None or asked.aoi is None:
        raise ConfigurationError(
            asked.name,
            "needs --hotspots, --weather and --aoi",
            "name all three, or give labelled data with --data",
        )
    if asked.blocks not in set(TimeBlock):
        raise ConfigurationError(
            "--time-blocks", f"{asked.blocks!r}", f"use {' or '.join(TimeBlock)}"
        )
    request = OccurrenceRequest(
        hotspots=asked.hotspots,
        weather=WeatherFile(path=asked.weather, mapping=asked.mapping),
        aoi=asked.aoi,
        out=asked.out,
        covered=asked.covered,
        static=asked.static,
        layers=Layers(terrain=asked.terrain, ndmi=_find_maps(asked.scenes)),
        side=asked.cell,
        block=TimeBlock(asked.blocks),
        seed=asked.seed,
        simulated=asked.simulated,
    )
    with Bar() as bar:
        report = train_occurrence(request, progress=bar.reached)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    if asked.as_json:
        typer.echo(json.dumps(report.plain(), ensure_ascii=False))
        return
    _tell(report, asked)


def _find_maps(folder: Path | None) -> tuple[Path, ...]:
    """NDMI maps under a folder, as `agroforest index` writes them."""
    from agroforest.core.errors import ConfigurationError

    if folder is None:
        return ()
    found = tuple(sorted(folder.rglob("*_NDMI.tif")))
    if not found:
        raise ConfigurationError(
            folder, "holds no *_NDMI.tif", "make them with `agroforest index`"
        )
    return found


def _tell(report: "OccurrenceReport", asked: Asked) -> None:
    typer.echo(
        f"{report.days} days of {report.cells} cells, learned from {report.sampled} "
        f"cell-days; {report.static} detections on static sources and {report.refused} "
        "rows left out"
    )
    typer.echo(f"缺少 missing: {', '.join(report.missing) or '-'}")
    for verdict in report.verdicts:
        _tell_verdict(verdict)
    if asked.simulated:
        typer.echo("模拟热点 simulated hotspots: nothing here says how good it is")
    typer.echo(f"已写入 written: {shown(asked.out)}")
    typer.echo(
        f"使用 to use it: agroforest fire danger … --cell {asked.cell:g} "
        f"--model {shown(asked.out)}"
    )


def _tell_verdict(verdict: "Verdict") -> None:
    typer.echo("")
    typer.echo(
        f"held out by {verdict.split}: {verdict.blocks} blocks, all "
        f"{verdict.cell_days} cell-days, {verdict.fires} with a hotspot (prevalence "
        f"{verdict.prevalence:.2e}), {verdict.expected:.0f} expected"
    )
    for name, skill in verdict.skill.items():
        figures = "  ".join(
            f"{title} {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]"
            for title, score in (
                ("AUROC", skill.auroc),
                ("AP", skill.ap),
                ("top 5 %", skill.top_share),
            )
        )
        typer.echo(f"  {name:<12}{figures}")
    typer.echo("  said        was         cell-days")
    for one in verdict.reliability:
        typer.echo(f"  {one.said:<12.6f}{one.was:<12.6f}{one.cell_days}")
