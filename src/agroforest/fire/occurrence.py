"""``fire-occurrence-local``: learned from the user's hotspots, measured on all days.

    hotspots, weather, layers      -> table of all covered days of all cells
    all days with a hotspot, some without, by season and distance   -> sample
    `agroforest.risk.ensemble.train`, the one way to train                -> model
    each block judged by copies that have not seen it, every cell-day     -> skill

Beside every figure stand those of the climatology of hotspots, made without the block
too, and of the plain fire weather index.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from agroforest.core.aoi import read_aoi
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.fire.assemble import Layers, read_setting
from agroforest.fire.cell_days import CellDayTable, build_table, fill_past
from agroforest.fire.cells import build_cells
from agroforest.fire.hotspot_past import Fires, Past, build_past, read_fires
from agroforest.fire.judged import Verdict, judge_blocks, list_metrics
from agroforest.fire.kept_past import keep_past
from agroforest.fire.sample import RATIO, Shares, draw
from agroforest.fire.splits import (
    SIDE,
    Block,
    Split,
    TimeBlock,
    split_space,
    split_time,
)
from agroforest.fire.weather_on_cells import CellWeather, WeatherFile, open_weather
from agroforest.hotspots.training import read_days
from agroforest.risk import Model, ensemble, models_dir
from agroforest.risk.card import save_model
from agroforest.risk.datasets.fire_days import FEATURES, CellDays, save
from agroforest.risk.tasks import find_task

Progress = Callable[[int, int, str], None]

#: Name of the model.
NAME = "fire-occurrence-local"
#: Side of a cell, metres, unless another is asked for: some pixels of MODIS, and more
#: than weather resolves. Our choice.
CELL = 5000.0
#: Cell-days with a hotspot below which nothing can be learned. Arbitrary.
LEAST_FIRES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class OccurrenceRequest:
    """What to learn from.

    Attributes
    ----------
    hotspots
        CSV of FIRMS.
    weather
        Of the same time.
    aoi
        The area.
    out
        Folder of the model.
    covered
        CSV of the UTC dates that were observed completely; every day from the first
        hotspot to the last unless given.
    static
        Mask of static heat sources; learned unless given.
    layers
        What is known beside the weather.
    side
        Of a cell, metres.
    block
        Length of the blocks of time.
    ground
        Side of the blocks of ground, metres.
    ratio
        Cell-days without a hotspot for each with one.
    seed
        Of everything random.
    simulated
        True if the hotspots were not observed; the card then says so.
    """

    hotspots: tuple[Path, ...]
    weather: WeatherFile
    aoi: Path
    out: Path
    covered: Path | None = None
    static: Path | None = None
    layers: Layers = field(default_factory=Layers)
    side: float = CELL
    block: TimeBlock = TimeBlock.MONTH
    ground: float = SIDE
    ratio: float = RATIO
    seed: int = 0
    simulated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OccurrenceReport:
    """What was learned.

    Attributes
    ----------
    model
        As it was written.
    sampled
        Cell-days learned from.
    days, cells
        Of the table.
    static, refused
        Detections left out as static sources, and rows that could not be read.
    missing
        Features without a number anywhere.
    verdicts
        By time and by space.
    notes
        What was decided on the way.
    """

    model: Model
    sampled: int
    days: int
    cells: int
    static: int
    refused: int
    missing: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, object]:
        """As plain values, for JSON."""
        return {
            "model": self.model.card.title,
            "folder": str(self.model.folder),
            "sampled": self.sampled,
            "days": self.days,
            "cells": self.cells,
            "static": self.static,
            "refused": self.refused,
            "missing": list(self.missing),
            "verdicts": [
                asdict(one) | {"prevalence": one.prevalence} for one in self.verdicts
            ],
            "notes": list(self.notes),
        }


def train_occurrence(
    request: OccurrenceRequest,
    *,
    weather: CellWeather | None = None,
    progress: Progress | None = None,
) -> OccurrenceReport:
    """Learn from hotspots, measure on every cell-day held out, and write the model.

    Parameters
    ----------
    request
        What to learn from.
    weather
        On the cells, instead of the request's file.
    progress
        Told steps done, steps in all, and what.

    Raises
    ------
    ConfigurationError, DataError, NoInputError
        A file cannot be used, there are too few hotspots or blocks, or the folder
        holds another model.
    """
    check_folder(request.out)
    say = progress or _silent
    aoi = read_aoi(request.aoi)
    cells = build_cells(aoi.area, side=request.side)
    setting = read_setting(aoi, cells, request.layers)
    fires = read_fires(request.hotspots, cells, static=request.static)
    covered = _covered_days(request, fires)
    if weather is None:
        weather = open_weather(request.weather, cells, elevation=setting.elevation)
    request.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=request.out, prefix=".table-") as scratch:
        table = build_table(
            setting,
            weather,
            fires,
            covered=covered,
            scratch=Path(scratch) / "values",
            progress=say,
        )
        _require_fires(table, request)
        past = build_past(fires, cells, covered)
        by_time = list(split_time(table, past, length=request.block))
        samples, shares = sample(table, by_time, request)
        model = _fit(request, samples, request.out, say)
        time = judge_blocks(
            table, by_time, shares, find_task(NAME), model, split=Split.TIME
        )
        space = _judge_space(request, table, fires, covered, Path(scratch), say)
        missing = _find_missing(samples)
    verdicts = (time,) if space is None else (time, space)
    model = _finish(request, model, verdicts, past, shares)
    return OccurrenceReport(
        model=model,
        sampled=len(samples.place),
        days=len(table.days),
        cells=cells.count,
        static=fires.static,
        refused=fires.refused,
        missing=missing,
        verdicts=verdicts,
        notes=weather.notes,
    )


def check_folder(out: Path) -> None:
    """Refuse to write over a shipped model, or one of another name.

    Raises
    ------
    ConfigurationError
        If the folder is not free.
    """
    shipped = models_dir().resolve()
    target = out.resolve()
    if target == shipped or shipped in target.parents:
        raise ConfigurationError(
            out, "is among the shipped models", "name a folder of your own"
        )
    card = out / "card.toml"
    if card.exists() and f'name = "{NAME}"' not in card.read_text(encoding="utf-8"):
        raise ConfigurationError(
            out, "holds another model", "name an empty folder, or one of this model"
        )


def _covered_days(request: OccurrenceRequest, fires: Fires) -> list[date]:
    if request.covered is not None:
        return read_days(request.covered)
    first, last = fires.day.min().item(), fires.day.max().item()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _require_fires(table: CellDayTable, request: OccurrenceRequest) -> None:
    count = int(table.truth.sum())
    if count < LEAST_FIRES:
        raise DataError(
            ", ".join(map(str, request.hotspots)),
            f"{count} cell-days with a hotspot have weather and were observed fully",
            f"give at least {LEAST_FIRES}: more years, a larger area or larger cells",
        )


def sample(
    table: CellDayTable, blocks: list[Block], request: OccurrenceRequest
) -> tuple[CellDays, Shares]:
    """Draw the cell-days that are learned from."""
    near = np.zeros(table.truth.shape, dtype=np.float32)
    usual = np.zeros(table.truth.shape, dtype=np.float32)
    names = np.zeros(table.truth.shape, dtype=np.int32)
    for number, block in enumerate(blocks):
        where = np.ix_(block.days, block.cells)
        near[where], usual[where], names[where] = block.near, block.usual, number
    day, cell, shares = draw(
        table.truth, table.months, near, seed=request.seed, ratio=request.ratio
    )
    values = np.array(table.values[day, cell])
    fill_past(values, usual=usual[day, cell], near=near[day, cell])
    text = np.char.add(table.days[day].astype(str), np.char.add(" ", cell.astype(str)))
    return CellDays(
        values=values,
        place=np.array([blocks[n].name for n in names[day, cell]]),
        name=text,
        truth=table.truth[day, cell].astype(np.float32),
        log_share=shares.find(table.months[day], near[day, cell]),
    ), shares


def _fit(
    request: OccurrenceRequest, samples: CellDays, out: Path, say: Progress
) -> Model:
    task = find_task(NAME)
    data = out / "data"
    save(data, samples)
    return ensemble.train(
        task,
        data,
        out,
        seed=request.seed,
        progress=lambda share, note: say(round(100 * share), 100, note),
    )


def _judge_space(
    request: OccurrenceRequest,
    table: CellDayTable,
    fires: Fires,
    covered: list[date],
    scratch: Path,
    say: Progress,
) -> Verdict | None:
    """Train once more, with whole squares of ground held out, and judge that.

    The model is thrown away. ``None`` where there are too few squares for its copies.
    """
    blocks = list(split_space(table, fires, covered, side=request.ground, progress=say))
    if len(blocks) < find_task(NAME).folds:
        return None
    samples, shares = sample(table, blocks, request)
    if len(np.unique(samples.place)) < find_task(NAME).folds:
        return None
    model = _fit(request, samples, scratch / "space", say)
    return judge_blocks(
        table, blocks, shares, find_task(NAME), model, split=Split.SPACE
    )


def _find_missing(samples: CellDays) -> tuple[str, ...]:
    return tuple(
        name
        for number, name in enumerate(FEATURES)
        if not np.isfinite(samples.values[:, number]).any()
    )


def _finish(
    request: OccurrenceRequest,
    model: Model,
    verdicts: tuple[Verdict, ...],
    past: Past,
    shares: Shares,
) -> Model:
    """Put the figures of all cell-days into the card, and the past into the weights."""
    metrics = [metric for one in verdicts for metric in list_metrics(one)]
    training = model.card.training.model_copy(
        update={
            "simulated": request.simulated,
            "data": f"{', '.join(p.name for p in request.hotspots)} and weather "
            f"{request.weather.path.name}, cells of {request.side:g} m",
        }
    )
    card = model.card.model_copy(
        update={
            "metrics": (*metrics, *model.card.metrics),
            "training": training,
        }
    )
    tensors = dict(model.tensors) | keep_past(past, shares, request.side)
    return save_model(request.out, card, tensors)


def _silent(done: int, total: int, label: str) -> None:
    """Say nothing."""
