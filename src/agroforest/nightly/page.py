"""The map of a night, gathered from what the nights left on disk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import shapely

from agroforest import __version__
from agroforest.core.aoi import Aoi
from agroforest.core.files import write_text
from agroforest.core.reading import Sensor
from agroforest.core.risk import Hazard, RiskMap
from agroforest.indices import find_index
from agroforest.maps import (
    FirePage,
    IndexLayer,
    MapPage,
    Notice,
    SensorSeries,
    build_page,
)
from agroforest.maps.water import WaterPage
from agroforest.nightly import records
from agroforest.nightly.desks import EVERY_NIGHT
from agroforest.nightly.judge import Judge
from agroforest.nightly.outputs import read_index, read_risk
from agroforest.nightly.plan import TaskKind, Watch
from agroforest.nightly.workplace import Workplace
from agroforest.nightly.yearly.show import show_year
from agroforest.store import Store, TaskRecord

# A sensor this close to the area belongs to it: about a kilometre.
_NEARBY_DEGREES = 0.01


def write_map(
    watch: Watch,
    aoi: Aoi,
    store: Store,
    report: Mapping[str, Any],
    *,
    judge: Judge,
    fire: FirePage | None = None,
    water: WaterPage | None = None,
) -> Path:
    """Write the page of a night.

    It shows the newest nights that had scenes, the alerts of all that time, and
    the sensors' last readings.
    """
    settings = watch.pipeline.map
    night = date.fromisoformat(report["night"])
    name = watch.pipeline.name
    nights = store.active_nights(
        name, until=night, limit=settings.nights, without=EVERY_NIGHT
    )
    tasks = [t for n in nights for t in _done(store.tasks(name, n))]
    first = nights[0] if nights else night
    years, causes = show_year(watch, store, night)
    page = MapPage(
        title_zh=settings.title_zh or name,
        title_en=settings.title_en or name,
        night=night,
        nights=(*nights, night),
        pipeline=name,
        model=judge.title,
        version=__version__,
        simulated=watch.pipeline.simulated,
        aoi=aoi,
        indices=tuple(_index_layers(watch, tasks)),
        risks=tuple(_risk_maps(watch.workplace, tasks)),
        alerts=tuple(
            a
            for a in store.alerts(name)
            if a.first_night <= night and (a.living or a.changed >= first)
        ),
        years=years,
        causes=causes,
        sensors=tuple(_sensors(watch, aoi, store, night)),
        fire=fire,
        water=water,
        notices=tuple(_notices(report)),
        attribution=settings.attribution,
        utc_offset_hours=settings.utc_offset_hours,
    )
    path = watch.workplace.map(night)
    write_text(path, build_page(page))
    return path


def _done(tasks: Sequence[TaskRecord]) -> Iterator[TaskRecord]:
    return (
        t
        for t in tasks
        if t.status == records.DONE and t.summary["kind"] == TaskKind.NIGHT
    )


def _index_layers(watch: Watch, tasks: Sequence[TaskRecord]) -> Iterator[IndexLayer]:
    """One layer for each index of each tile's night: that of its newest day."""
    for task in tasks:
        days = [date.fromisoformat(str(d)) for d in task.summary["days"]]
        for name in watch.pipeline.map.indices:
            found = [
                d for d in days if watch.workplace.index(task.tile, d, name).is_file()
            ]
            if not found:
                continue
            index = find_index(name)
            grid, values = read_index(
                watch.workplace, tile=task.tile, day=found[-1], name=name
            )
            yield IndexLayer(
                name=name.upper(),
                title_zh=index.title_zh,
                title_en=index.title_en,
                tile=task.tile,
                night=task.night,
                image=found[-1],
                grid=grid,
                values=values,
                vmin=index.display_range[0],
                vmax=index.display_range[1],
                colormap=index.colormap.lower(),
            )


def _risk_maps(workplace: Workplace, tasks: Sequence[TaskRecord]) -> Iterator[RiskMap]:
    for task in tasks:
        for name, threshold in task.summary["thresholds"].items():
            hazard = Hazard(name)
            path = workplace.risk(task.tile, task.night, hazard, "probability")
            if not path.is_file():
                continue  # pruned: a slider may hold more nights than are kept
            yield read_risk(
                workplace,
                tile=task.tile,
                night=task.night,
                hazard=hazard,
                model=str(task.summary["model"]),
                threshold=threshold,
            )


def _sensors(
    watch: Watch, aoi: Aoi, store: Store, night: date
) -> Iterator[SensorSeries]:
    settings = watch.pipeline.sensors
    around = aoi.area.buffer(_NEARBY_DEGREES)
    chosen = [
        s
        for s in store.sensors()
        if (s.id in settings.ids if settings.ids else _is_inside(s, around))
    ]
    end = datetime.combine(night + timedelta(days=1), time(), tzinfo=UTC)
    readings = store.readings(
        [s.id for s in chosen], end - timedelta(days=settings.days), end
    )
    for sensor in chosen:
        yield SensorSeries(
            sensor=sensor,
            readings=tuple(r for r in readings if r.sensor == sensor.id),
        )


def _is_inside(sensor: Sensor, area: shapely.Geometry) -> bool:
    if sensor.longitude is None or sensor.latitude is None:
        return False
    return bool(shapely.contains_xy(area, sensor.longitude, sensor.latitude))


def _notices(report: Mapping[str, Any]) -> Iterator[Notice]:
    for note in report["notes"]:
        yield Notice(zh=f"注意：{note}", en=note)
    for line in report.get("yearly", {}).get("missing", ()):
        yield Notice(zh=f"与上年比较：{line['zh']}", en=f"Yearly: {line['en']}")
    for tile in report["tiles"]:
        if tile["error"]:
            yield Notice(
                zh=f"瓦片 {tile['tile']} 未完成：{tile['error']}",
                en=f"Tile {tile['tile']} failed: {tile['error']}",
            )
    for entry in report.get("unread", ()):  # older reports lack it
        name = Path(entry["where"]).name
        yield Notice(
            zh=f"未能读出 {name}，下一夜再读：{entry['problem']}",
            en=f"Not read tonight, {name}: {entry['problem']}",
        )
    for entry in report["quarantined"]:
        name = Path(entry["where"]).name
        yield Notice(
            zh=f"已隔离的输入 {name}：{entry['problem']}",
            en=f"Input in quarantine, {name}: {entry['problem']}",
        )
