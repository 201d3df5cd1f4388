"""Which tiles are due for their yearly comparison."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from agroforest.catalog import Catalog, find
from agroforest.catalog.landsat import COLLECTION as LANDSAT
from agroforest.core.alert import Alert
from agroforest.core.config import YearlySection
from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import Tile
from agroforest.core.identity import digest
from agroforest.core.scene import Scene
from agroforest.nightly.compartments import Compartments
from agroforest.nightly.plan import (
    TaskKind,
    TileTask,
    Watch,
    find_alerts,
    find_scenes,
    grid_key,
)
from agroforest.nightly.year import Lack, YearlyModels, YearlyWork
from agroforest.products.composite import LANDSAT_BANDS, NEEDED

#: Raised whenever a task would compute other pixels from the same inputs.
ALGORITHM = 1
#: Years that the causes are looked for in, and how many of them, the last among
#: them, must have been seen. On labelled series judged by copies that have not seen
#: their place, macro-F1 falls from .765 (all ten) to .747, .722, .691 and .654 when
#: one, two, three and four years are taken away at random; accuracy from .783 to
#: .766, .742, .712 and .675.
YEARS, FEWEST_YEARS = 10, 8

#: Given the name of a state, the night that took each scene into it.
Uses = Callable[[str], Mapping[str, date]]


def plan_yearly(
    watch: Watch,
    catalog: Catalog,
    night: date,
    *,
    uses: Uses,
    alerts: Sequence[Alert],
) -> tuple[tuple[TileTask, ...], Mapping[str, int]]:
    """Plan the yearly comparisons of a night.

    A season is compared once, on the first night after its end plus
    ``scenes.lookback_days`` for which there are scenes. What arrives later is left
    out, as it is on other nights; other settings, another model or another forest
    make it be done again.

    Parameters
    ----------
    watch
        The pipeline.
    catalog
        Where scenes are looked up.
    night
        The night.
    uses
        Tells what was done.
    alerts
        Alerts that are not closed. Causes are looked for under those that the
        nights before raised on signs no later than the season.

    Returns
    -------
    tuple
        Tasks, and by reason (see `Lack`) the tiles that lack something.
    """
    settings, models = watch.pipeline.yearly, watch.yearly
    if settings is None or models is None or not (models.damage or models.cause):
        return (), {}
    year = due_year(watch, night)
    end = settings.days.window(year)[1]
    known = [a for a in alerts if a.first_night < night and a.since <= end]
    forest = Compartments(watch.forest)
    tasks: list[TileTask] = []
    lacking: Counter[str] = Counter()
    for tile in watch.tiles:
        key = yearly_key(watch, tile, year)
        taken = uses(state_of(tile, key))
        if taken and any(n != night for n in taken.values()):
            continue
        under = tuple(find_alerts(known, tile))
        found = _Found(watch, catalog, tile, year)
        found.look(night, explain=bool(under))
        lacking.update(found.lacking)
        if not (found.compare or found.explain):
            continue
        work = YearlyWork(
            year=year, models=models, compare=found.compare, explain=found.explain
        )
        scenes = (*found.sentinel, *found.landsat)
        name = digest("yearly", key, [s.content() for s in scenes])
        tasks.append(
            TileTask(
                id=name,
                inputs=name,
                kind=TaskKind.YEARLY,
                tile=tile,
                night=night,
                scenes=scenes,
                baseline=key,
                pipeline=watch.pipeline,
                workplace=watch.workplace,
                forest=forest.on(tile),
                alerts=under,
                yearly=work,
            )
        )
    return tuple(tasks), dict(lacking)


def due_year(watch: Watch, night: date) -> int:
    """Year of the newest season that is over, and waited for, on a night."""
    settings = watch.pipeline.yearly or YearlySection()
    wait = timedelta(days=watch.pipeline.scenes.lookback_days)
    return settings.days.latest(night - wait)


def yearly_key(watch: Watch, tile: Tile, year: int) -> str:
    """Digest of all that a comparison depends on, but the scenes."""
    models = watch.yearly or YearlyModels()
    settings = watch.pipeline.yearly or YearlySection()
    return digest(
        "yearly",
        ALGORITHM,
        watch.pipeline.name,
        watch.pipeline.simulated,
        tile.id,
        grid_key(tile),
        year,
        settings.season,
        watch.pipeline.mask.model_dump(mode="json"),
        [models.damage, models.cause],
        watch.ground,
    )


def state_of(tile: Tile, key: str) -> str:
    """Name under which the ledger keeps what was taken; as `TileTask.state_group`."""
    return f"{tile.id}-{key[:8]}"


class _Found:
    """What the catalogue holds for a tile and year."""

    def __init__(self, watch: Watch, catalog: Catalog, tile: Tile, year: int) -> None:
        self.lacking: list[str] = []
        self.sentinel: tuple[Scene, ...] = ()
        self.landsat: tuple[Scene, ...] = ()
        self._watch, self._catalog = watch, catalog
        self._tile, self._year = tile, year

    @property
    def compare(self) -> bool:
        """Whether two years can be compared."""
        return bool(self.sentinel)

    @property
    def explain(self) -> bool:
        """Whether causes can be looked for."""
        return bool(self.landsat)

    def look(self, night: date, *, explain: bool) -> None:
        """Look for scenes.

        Without alerts to explain, and without a comparison that may find damage,
        nobody asks for ten years of Landsat.
        """
        models = self._watch.yearly or YearlyModels()
        if models.damage:
            self.sentinel = self._find_sentinel(night)
        if models.cause and (explain or self.compare):
            self.landsat = self._find_landsat(night)

    def _window(self, year: int, night: date) -> tuple[date, date]:
        settings = self._watch.pipeline.yearly or YearlySection()
        first, last = settings.days.window(year)
        return first, min(last, night)

    def _find_sentinel(self, night: date) -> tuple[Scene, ...]:
        found: list[Scene] = []
        seasons = ((self._year, Lack.SEASON), (self._year - 1, Lack.SEASON_BEFORE))
        for year, lack in seasons:
            window = self._window(year, night)
            seen = find_scenes(self._watch, self._catalog, self._tile, *window)
            whole = _with_bands(seen, NEEDED)
            if not whole:
                self.lacking.append(Lack.BANDS if seen else lack)
                return ()
            found += whole
        return tuple(found)

    def _find_landsat(self, night: date) -> tuple[Scene, ...]:
        found: list[Scene] = []
        seen = 0
        for back in range(YEARS):
            new = self._landsat_of(self._year - back, night)
            seen += bool(new)
            found += new
            # The last year must be there; and once too many are missing, no
            # further year is asked for.
            if not seen or back + 1 - seen > YEARS - FEWEST_YEARS:
                self.lacking.append(Lack.LANDSAT)
                return ()
        return tuple(found)

    def _landsat_of(self, year: int, night: date) -> list[Scene]:
        try:
            found = find(
                self._catalog,
                self._tile.footprint(),
                *self._window(year, night),
                collections=(LANDSAT,),
                max_cloud_cover=self._watch.pipeline.scenes.max_cloud_cover,
            )
        except ConfigurationError:  # a STAC API without this collection
            return []
        return _with_bands(found, LANDSAT_BANDS)


def _with_bands(scenes: Sequence[Scene], bands: Sequence[str]) -> list[Scene]:
    return [scene for scene in scenes if scene.band_names >= set(bands)]
