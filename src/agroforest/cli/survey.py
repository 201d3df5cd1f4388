"""``agroforest model train … --labels``: learning on from a field survey."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import find_folder, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agroforest.risk import Model, ModelCard
    from agroforest.risk.tuned import FineTuning

Labels = Annotated[
    Path | None,
    typer.Option(
        help="Surveyed points or polygons: GeoPackage, GeoJSON, Shapefile, "
        "FlatGeobuf, GeoParquet, or CSV with lon and lat. Columns status (damaged, "
        "clean, unsure; 受害/健康/不确定) and date, or start and end."
    ),
]
Scenes = Annotated[
    Path | None,
    typer.Option(help="Folder of yearly composites, <year>/<scene>.tif."),
]
SeasonOption = Annotated[
    str, typer.Option(help="Of the composites, MM-DD/MM-DD.", metavar="SEASON")
]
Tolerance = Annotated[
    int,
    typer.Option(
        min=0,
        max=180,
        help="Days that damage may be seen after the season, or health before it.",
    ),
]
Radius = Annotated[
    float,
    typer.Option(
        min=0.1, max=500, help="Metres around a point, if it has no radius_m."
    ),
]
Block = Annotated[
    float,
    typer.Option(min=100, max=100_000, help="Side of the blocks held out, metres."),
]
Prevalence = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        max=0.999,
        help="Share of the ground that is damaged; that of the model's card if not "
        "given. Surveys look for damage and hold more of it than the forest does.",
    ),
]
Layer = Annotated[str | None, typer.Option(help="Of the labels, if several.")]
Encoding = Annotated[
    str | None, typer.Option(help="Of text that does not say it, such as GBK.")
]
SEASON, TOLERANCE, RADIUS, BLOCK = "08-15/10-15", 30, 10.0, 1000.0

_SURVEYED = ("canopy-damage",)
_VERDICTS = {
    "better": (
        "结论：在未参与学习的地块上优于原模型。",
        "better on blocks that were not learned from.",
    ),
    "unsure": (
        "结论：没有证据表明优于原模型（F1 或平均精度之差的 95% 区间包含 0）。",
        "NOT shown to be better: a 95 % interval (F1, average precision) holds 0.",
    ),
    "worse": (
        "结论：在未参与学习的地块上不如原模型。",
        "WORSE on blocks that were not learned from.",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line says; see the options of this module."""

    name: str
    labels: Path | None
    scenes: Path | None
    out: Path
    models: Path | None
    season: str
    tolerance: int
    radius: float
    block: float
    prevalence: float | None
    layer: str | None
    encoding: str | None
    seed: int


def learn_on(asked: Asked) -> None:
    """Let a model learn on, write it and say how it does beside the one before."""
    from agroforest.core.errors import ConfigurationError
    from agroforest.core.season import Season
    from agroforest.risk import ensemble
    from agroforest.risk.datasets.survey import CanopyRequest, Timing, collect_canopy
    from agroforest.risk.finetune import finetune
    from agroforest.risk.tasks import find_task

    task = find_task(asked.name)
    if asked.name not in _SURVEYED:
        raise ConfigurationError(
            asked.name,
            "does not learn from a survey of canopies",
            f"name {', '.join(_SURVEYED)}, or give labelled data with --data",
        )
    if asked.labels is None or asked.scenes is None:
        raise ConfigurationError(
            asked.name, "needs both --labels and --scenes", "name the other one too"
        )
    try:
        season = Season.parse(asked.season)
    except ValueError as error:
        raise ConfigurationError("--season", str(error), "spell it so") from error
    base = ensemble.load(task, find_folder(asked.models, asked.name))
    request = CanopyRequest(
        labels=asked.labels,
        scenes=asked.scenes,
        prevalence=asked.prevalence or _prevalence(base.card),
        timing=Timing(season=season, tolerance=asked.tolerance),
        radius=asked.radius,
        block=asked.block,
        layer=asked.layer,
        encoding=asked.encoding,
        seed=asked.seed,
    )
    with Bar() as bar:

        def told(share: float, note: str) -> None:
            bar.reached(round(100 * share), 100, note)

        collection = collect_canopy(request, progress=told)
        model = finetune(
            task, base, collection, asked.out, seed=asked.seed, progress=told
        )
    for line in _report(model, base, asked):
        typer.echo(line)


def _prevalence(card: "ModelCard") -> float:
    """Share of damage where the model learned; half if its card does not say."""
    return next((m.prevalence for m in card.metrics if m.prevalence), 0.5)


def _report(model: "Model", base: "Model", asked: Asked) -> "Iterator[str]":
    found = model.card.fine_tuning
    if found is None:
        return
    yield from _labels(found)
    yield ""
    yield f"{'':<34}{'before':>8}{'after':>8}   difference (95 % interval)"
    for row in found.comparisons:
        yield (
            f"{row.name:<34}{row.before:8.3f}{row.after:8.3f}   {row.difference:+.3f} "
            f"[{row.difference_low:+.3f}, {row.difference_high:+.3f}]"
        )
    yield ""
    chinese, english = _VERDICTS[found.verdict]
    yield f"{chinese} {model.card.title}: {english}"
    yield from _use(base, asked)


def _labels(found: "FineTuning") -> "Iterator[str]":
    used = ", ".join(
        f"{n} {kind} ({found.answers[kind]} pixels)" for kind, n in found.labels.items()
    )
    yield f"used 采用: {used}, {found.blocks} blocks, {found.first} to {found.last}"
    if found.set_aside:
        reasons = ", ".join(f"{n} {reason}" for reason, n in found.set_aside.items())
        yield f"set aside 未采用: {reasons}"
    yield (
        f"counted on blocks a copy has not seen, damaged weighed as "
        f"{found.prevalence:.1%} of the ground"
    )


def _use(base: "Model", asked: Asked) -> "Iterator[str]":
    yield f"written 已写入: {shown(asked.out)}"
    yield f"to use it 使用新模型: --models {shown(asked.out)}"
    yield (
        f"to keep the shipped one 继续用原模型: leave --models out "
        f"({base.card.title}, not changed)"
    )
