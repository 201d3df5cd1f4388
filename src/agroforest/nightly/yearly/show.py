"""Yearly comparisons on the map of a night."""

from collections.abc import Iterator
from datetime import date

from agroforest.cube import read_cog
from agroforest.indices import decode
from agroforest.maps import LikelyCause, YearLayer
from agroforest.nightly import records
from agroforest.nightly.plan import TaskKind, Watch
from agroforest.nightly.year import YearlyOutcome
from agroforest.nightly.yearly.files import damage_path
from agroforest.nightly.yearly.groups import CAVEAT, cause_words
from agroforest.nightly.yearly.notes import damage_limits
from agroforest.nightly.yearly.plan import due_year, state_of, yearly_key
from agroforest.nightly.yearly.report import add_causes, likely_cause
from agroforest.risk import models_dir, read_card
from agroforest.store import Store, TaskRecord


def show_year(
    watch: Watch, store: Store, night: date
) -> tuple[tuple[YearLayer, ...], dict[str, LikelyCause]]:
    """Layers of the newest comparisons up to a night, and causes by alert.

    A tile whose newest season has not been compared yet shows the one before.
    """
    settings = watch.pipeline.yearly
    if settings is None:
        return (), {}
    found = list(_newest(watch, store, night))
    title, limits = "", {"zh": "", "en": ""}
    if any(outcome.compared for _, outcome in found):
        title = read_card(models_dir() / settings.damage).title
        limits = damage_limits(settings.damage)
    layers = []
    for task, outcome in found:
        if not outcome.compared:
            continue
        raster = read_cog(damage_path(watch.workplace, task.tile, outcome.year))
        layers.append(
            YearLayer(
                tile=task.tile,
                night=task.night,
                year=outcome.year,
                season=settings.season,
                grid=raster.grid,
                values=decode(raster.array),
                threshold=outcome.threshold,
                model=title,
                limits_zh=limits["zh"],
                limits_en=limits["en"],
            )
        )
    causes = {}
    for alert, pixels in add_causes(o.causes for _, o in found).items():
        group, chance = likely_cause(pixels)
        zh, en = cause_words(group)
        causes[alert] = LikelyCause(
            zh=zh,
            en=en,
            probability=chance,
            caveat_zh=CAVEAT[0],
            caveat_en=CAVEAT[1],
        )
    return tuple(layers), causes


def _newest(
    watch: Watch, store: Store, night: date
) -> Iterator[tuple[TaskRecord, YearlyOutcome]]:
    for tile in watch.tiles:
        for year in (due_year(watch, night), due_year(watch, night) - 1):
            state = state_of(tile, yearly_key(watch, tile, year))
            record = _find(store, watch.pipeline.name, state, night)
            if record is not None:
                yield record, _outcome(record)
                break


def _find(store: Store, pipeline: str, state: str, night: date) -> TaskRecord | None:
    nights = [n for n in store.scene_uses(pipeline, state).values() if n <= night]
    if not nights:
        return None
    return next(
        (
            task
            for task in store.tasks(pipeline, max(nights))
            if task.state == state
            and task.status == records.DONE
            and task.summary["kind"] == TaskKind.YEARLY
        ),
        None,
    )


def _outcome(record: TaskRecord) -> YearlyOutcome:
    return YearlyOutcome.from_plain(record.summary["yearly"])
