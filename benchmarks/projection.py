"""From the cost of a tile to that of a county, Guangxi and China.

Every number here is either measured (`benchmarks/scale.py`) or an assumption that
stands below with its reason.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agroforest.nightly.outlook.figures import Figures, Load
from agroforest.nightly.power.factors import GUANGXI_G_PER_KWH

# ------------------------------------------------------------ assumptions

# Sentinel-2A and 2B together pass every fifth day. Half of the passes have less than
# 80 % cloud: an assumption, there are years with fewer in Guangxi.
_PASSES, _TAKEN = 73, 0.5
#: Scenes of a history of two years.
SCENES = round(2 * _PASSES * _TAKEN)
#: Share of forest of the tile that is measured.
FOREST = 0.6
# Public archives keep blocks of 1024 pixels. A tile of 1000 touches so many times its
# own pixels: mean over the hundred tiles of a granule.
_OVERREAD = 3.79
# Pixels of a Sentinel-2 tile against those of the tiles of 10 km inside it.
_GRANULE_MPX = 120.6
# A compartment has ten hectares, on average: an assumption.
_STAND_HA = 10.0
# CO2 of a kilowatt-hour: Guangxi see nightly/machine.py; China 2023 from Our World in
# Data, as codecarbon 3.3 ships it (with upstream emissions, so not quite the same).
_CHINA_G_PER_KWH = 582.3
_CORES, _NIGHT_H, _LINE_MBIT = 2, 4.0, 100.0
# Nights on a page, and what a browser should be asked to open. Arbitrary.
_SHOWN, _PAGE_MB = 12, 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """An area as the projection sees it.

    Attributes
    ----------
    name
        Of the column.
    tiles, gpx
        Tiles of 10 km, and pixels of their grids, 10^9.
    granules
        Sentinel-2 tiles.
    forest
        Share of the pixels.
    busiest
        Share of the tiles that one night brings at most.
    grams
        CO2 of a kilowatt-hour.
    """

    name: str
    tiles: int
    gpx: float
    granules: int
    forest: float
    busiest: float
    grams: float


# County: the median of Guangxi's 111. Tiles and pixels are counted with `find_tiles`
# on their outlines and on the province's; 48 Sentinel-2 tiles touch the province.
# China: 9.6 million km² with Guangxi's tiles and pixels a km²; Sentinel-2 tiles
# A/s² + 2P/(πs) for squares of s = 100 km and an outline P of 20,000 km, and one more
# for every 100 km of the ten edges of UTM zones inside, 2,000 km each. Forest: 60 and
# 24 %, rounded from national figures (verify). A swath is 290 km wide: a pass sees a
# county whole, two fifths of Guangxi, and a fifth of China.
REGIONS = (
    Region(
        name="median county",
        tiles=43,
        gpx=0.0236,
        granules=2,
        forest=0.6,
        busiest=1.0,
        grams=GUANGXI_G_PER_KWH,
    ),
    Region(
        name="Guangxi",
        tiles=2_622,
        gpx=2.437,
        granules=48,
        forest=0.6,
        busiest=0.4,
        grams=GUANGXI_G_PER_KWH,
    ),
    Region(
        name="China",
        tiles=106_000,
        gpx=98.5,
        granules=1_290,
        forest=0.24,
        busiest=0.2,
        grams=_CHINA_G_PER_KWH,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was measured on a tile of 10 km, and beside it.

    Attributes
    ----------
    learn_wall_s, learn_cpu_s, learn_memory
        Learning the seasons from `SCENES` scenes.
    open_cpu_s
        The first night after it, of one scene: all of the forest is judged.
    night_wall_s, night_cpu_s, night_memory
        Judging a later night of one scene: what has news is judged.
    state_bytes, map_bytes, read_bytes
        State on disk; maps and items of a night; files of a scene without a pixel
        beyond the tile.
    foretold
        What the rehearsal says of the same, by name.
    find_s
        A search of the catalogue, for each item in its window.
    record_s, ask_s, row_bytes
        The ledger, for each tile: recording its night, planning the next, disk.
    task_bytes, stand_bytes, stand_s
        A task on its way to a worker; each compartment in it, and its drawing.
    """

    learn_wall_s: float
    learn_cpu_s: float
    learn_memory: float
    open_cpu_s: float
    night_wall_s: float
    night_cpu_s: float
    night_memory: float
    state_bytes: float
    map_bytes: float
    read_bytes: float
    foretold: dict[str, float]
    find_s: float
    record_s: float
    ask_s: float
    row_bytes: float
    task_bytes: float
    stand_bytes: float
    stand_s: float


Rows: TypeAlias = Iterable[Sequence[str]]


def tables(found: Measured, figures: Figures) -> str:
    """Lay out everything as Markdown."""
    costs = [_Costs(found, figures, region) for region in REGIONS]
    machine = figures.machine
    versions = machine.versions
    about = (
        f"{figures.measured:%Y-%m-%d}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gb:.0f} GB, load {figures.load:.1f} at the start; agroforest "
        f"{versions['agroforest']}, Python {versions['python']}, numba "
        f"{versions.get('numba')}, torch {versions.get('torch', 'none')}."
    )
    return "\n\n".join(
        [
            about,
            _table(("a tile of 10 km, 10 m", "measured", "foretold"), _tile(found)),
            _table(("beside the tiles", "measured"), _beside(found, figures)),
            _table(("", *(r.name for r in REGIONS)), _projected(costs)),
            _table(("what gives way", "at", "in"), _limits(found, figures)),
        ]
    )


# ---------------------------------------------------------------- measured


def _tile(found: Measured) -> Rows:
    told = found.foretold

    def row(name: str, key: str, unit: Callable[[float], str]) -> Sequence[str]:
        return name, unit(getattr(found, key)), unit(told[key]) if key in told else ""

    scenes = f"{SCENES} scenes"
    return [
        row(f"learn from {scenes}, processor time", "learn_cpu_s", _seconds),
        row(f"learn from {scenes}, wall", "learn_wall_s", _seconds),
        row("learn, peak memory of the process", "learn_memory", _bytes),
        row("judge its first night, processor time", "open_cpu_s", _seconds),
        row("judge a night of one scene, processor time", "night_cpu_s", _seconds),
        row("judge a night of one scene, wall", "night_wall_s", _seconds),
        row("judge, peak memory of the process", "night_memory", _bytes),
        row("state on disk", "state_bytes", _bytes),
        row("maps and items of a night", "map_bytes", _bytes),
        row("files of a scene, the tile's own pixels", "read_bytes", _bytes),
    ]


def _beside(found: Measured, figures: Figures) -> Rows:
    page = figures.page
    return [
        ("catalogue: a search, each item in its window", _seconds(found.find_s)),
        ("ledger: record a tile's night", _seconds(found.record_s)),
        ("ledger: plan a tile's next night", _seconds(found.ask_s)),
        ("ledger: disk of a tile's night", _bytes(found.row_bytes)),
        ("page: without tiles", _bytes(page.night_bytes)),
        ("page: a layer of a tile", _bytes(page.layer_bytes)),
        ("page: a layer of a tile, time", _seconds(page.layer_s)),
        (f"task: sent to a worker, {SCENES} scenes", _bytes(found.task_bytes)),
        ("task: each compartment sent with it", _bytes(found.stand_bytes)),
        ("task: each compartment drawn on the tile", _seconds(found.stand_s)),
    ]


# --------------------------------------------------------------- projected


class _Costs:
    """A region's costs: laws of the rehearsal, scaled to the measured tile."""

    def __init__(self, found: Measured, figures: Figures, region: Region) -> None:
        self.region, self.found, self.figures = region, found, figures
        self._mpx = 1000 * region.gpx / region.tiles
        self.tile_nights = region.tiles * _PASSES * _TAKEN
        self.busy = region.tiles * region.busiest

    @property
    def first_s(self) -> float:
        """Processor seconds of a first night: all tiles learned and judged."""
        learn = self.figures.baseline.cpu_s.at(self._load(SCENES))
        opening = self.figures.opening.cpu_s.at(self._load(0))
        judge = self.figures.night.cpu_s.at(self._load(1))
        foretold = self.found.foretold["open_cpu_s"]
        return self.region.tiles * (
            self._true("learn_cpu_s") * learn
            + self.found.open_cpu_s / foretold * (opening + judge)
        )

    @property
    def night_s(self) -> float:
        """Processor seconds of one tile's night."""
        law = self.figures.night.cpu_s
        return self._true("night_cpu_s") * law.at(self._load(1))

    @property
    def states(self) -> float:
        """Bytes of all states."""
        each = self.figures.state.at(self._load(0).forest_mpx, 16)
        return self.region.tiles * self._true("state_bytes") * each

    @property
    def maps(self) -> float:
        """Bytes of a year's maps."""
        law = self.figures.night.output_bytes
        return self.tile_nights * self._true("map_bytes") * law.at(self._load(1))

    @property
    def read(self) -> float:
        """Bytes of files of a scene that a tile reads from a public archive."""
        return self.found.read_bytes * self._mpx * _OVERREAD

    @property
    def page(self) -> float:
        """Bytes of a page."""
        page = self.figures.page
        return page.night_bytes + self._pictures * page.layer_bytes

    @property
    def page_s(self) -> float:
        """Seconds of drawing it."""
        return self.figures.page.night_s + self._pictures * self.figures.page.layer_s

    @property
    def _pictures(self) -> float:
        """Megapixels of a page."""
        layers = 2 + self.figures.page.hazards
        return _SHOWN * self.busy * layers * self._mpx

    @property
    def stands(self) -> float:
        """Compartments."""
        return self.region.gpx * 1e9 / 100 * self.region.forest / _STAND_HA

    def search_s(self, days: float) -> float:
        """Seconds of searching for all tiles, one after the other."""
        items = self.region.granules * _PASSES * days / 365
        return self.region.tiles * items * self.found.find_s

    def _load(self, scenes: float) -> Load:
        return Load(
            scenes=scenes, mpx=self._mpx, forest_mpx=self._mpx * self.region.forest
        )

    def _true(self, name: str) -> float:
        """Return what was measured over what was foretold."""
        value: float = getattr(self.found, name)
        return value / self.found.foretold[name]


def _projected(costs: Sequence[_Costs]) -> Rows:
    def row(name: str, value: Callable[[_Costs], str]) -> Sequence[str]:
        return name, *(value(cost) for cost in costs)

    def cpu(name: str, seconds: Callable[[_Costs], float], limit_h: float) -> Rows:
        """Hours on two cores, machines for a time, electricity."""
        yield row(f"{name}: on two cores", lambda c: _hours(seconds(c) / _CORES))
        many = f"{name}: two-core machines for {limit_h:.0f} h"
        yield row(many, lambda c: _machines(seconds(c), limit_h))
        yield row(f"{name}: electricity, CO2", lambda c: _energy(c, seconds(c)))

    def archive(name: str, reads: Callable[[_Costs], float]) -> Rows:
        """Bytes from the archive, and hours of a line."""
        yield row(f"{name}: bytes", lambda c: _bytes(reads(c) * c.read))
        line = f"{name}: line of {_LINE_MBIT:.0f} Mbit/s"
        yield row(line, lambda c: _hours(reads(c) * c.read * 8 / _LINE_MBIT / 1e6))

    each = costs[0].found.stand_bytes
    return [
        row("tiles of 10 km", lambda c: f"{c.region.tiles:,}"),
        row("megapixels", lambda c: f"{c.region.gpx * 1000:,.0f}"),
        row("Sentinel-2 tiles", lambda c: f"{c.region.granules:,}"),
        row("tile nights a year", lambda c: f"{c.tile_nights:,.0f}"),
        row("tiles of the busiest night", lambda c: f"{c.busy:,.0f}"),
        *cpu("first night", lambda c: c.first_s, 48),
        *cpu("busiest night", lambda c: c.busy * c.night_s, _NIGHT_H),
        row(
            "a year: electricity, CO2", lambda c: _energy(c, c.tile_nights * c.night_s)
        ),
        row("states on disk", lambda c: _bytes(c.states)),
        row(
            "busiest night: states read, and written again",
            lambda c: _bytes(c.states * c.region.busiest),
        ),
        row("maps of a year", lambda c: _bytes(c.maps)),
        *archive("archive, first night", lambda c: c.region.tiles * SCENES),
        *archive("archive, busiest night", lambda c: c.busy),
        row("archive, a year: bytes", lambda c: _bytes(c.tile_nights * c.read)),
        row("catalogue: search, first night", lambda c: _seconds(c.search_s(730))),
        row("catalogue: search, any night", lambda c: _seconds(c.search_s(10))),
        row(
            "ledger: disk of a year",
            lambda c: _bytes(c.tile_nights * c.found.row_bytes),
        ),
        row("ledger: busiest night", lambda c: _seconds(c.busy * c.found.record_s)),
        row(f"page of {_SHOWN} such nights", lambda c: _bytes(c.page)),
        row(f"page of {_SHOWN} such nights: drawing", lambda c: _seconds(c.page_s)),
        row("compartments", lambda c: f"{c.stands:,.0f}"),
        # Those on the edge of two tiles go with both: a few more.
        row(
            "compartments in each task",
            lambda c: _bytes(c.stands / c.region.tiles * each),
        ),
    ]


# ------------------------------------------------------------------ limits


def _limits(found: Measured, figures: Figures) -> Rows:
    """Say at how many tiles of 10 km each part gives way, the first first."""
    cost = _Costs(found, figures, REGIONS[1])
    tiles = cost.region.tiles
    items = cost.region.granules / tiles * _PASSES / 365  # a tile and day
    layers = 2 + figures.page.hazards
    line = _LINE_MBIT * 1e6 / 8
    # What grows with the square of the area has a root.
    rows = [
        (
            (_PAGE_MB * 1e6 - figures.page.night_bytes)
            / (_SHOWN * layers * figures.page.layer_bytes),
            f"a page of {_SHOWN} nights that show all tiles has {_PAGE_MB:.0f} MB",
        ),
        (
            math.sqrt(3600 / (items * 730 * found.find_s)),
            "catalogue: searching for the first night takes an hour",
        ),
        (
            math.sqrt(600 / (items * 10 * found.find_s)),
            "catalogue: searching for any night takes ten minutes",
        ),
        (
            _NIGHT_H * 3600 * _CORES / cost.night_s,
            "processor: a night of all tiles takes two cores four hours",
        ),
        (
            48 * 3600 * _CORES * tiles / cost.first_s,
            "processor: the first night takes two cores two days",
        ),
        (
            48 * 3600 * line / (SCENES * cost.read),
            f"line of {_LINE_MBIT:.0f} Mbit/s: the first night takes two days",
        ),
        (
            _NIGHT_H * 3600 * line / cost.read,
            f"line of {_LINE_MBIT:.0f} Mbit/s: a night of all tiles takes four hours",
        ),
        (1e12 * tiles / cost.states, "disk: states fill 1 TB"),
        (600 / found.ask_s, "ledger: planning asks it for ten minutes"),
        (600 / found.record_s, "ledger: recording a night takes ten minutes"),
    ]
    return [
        (what, f"{count:,.0f} tiles", f"{count * 100:,.0f} km²")
        for count, what in sorted(rows)
    ]


# -------------------------------------------------------------------- text


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _bytes(number: float) -> str:
    for prefix in ("", "k", "M", "G", "T", "P"):
        if number < 999.5 or prefix == "P":
            return f"{number:.{0 if number >= 99.5 or not prefix else 1}f} {prefix}B"
        number /= 1000.0
    raise AssertionError


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds < 36e4 else f"{seconds / 86400:,.0f} d"


def _machines(seconds: float, limit_h: float) -> str:
    return f"{math.ceil(seconds / 3600 / _CORES / limit_h):,}"


def _energy(cost: _Costs, seconds: float) -> str:
    kwh = seconds / _CORES * cost.figures.machine.watts() / 3.6e6
    return f"{kwh:,.2g} kWh, {kwh * cost.region.grams / 1000:,.2g} kg"


def _seconds(number: float) -> str:
    if number < 0.0995:
        return f"{number * 1000:.2g} ms"
    if number < 99.5:
        return f"{number:.2g} s"
    if number < 99.5 * 60:
        return f"{number / 60:.0f} min"
    return f"{number / 3600:,.1f} h"
