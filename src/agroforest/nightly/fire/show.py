"""Fire on the map of a night."""

from datetime import timedelta

import numpy as np

from agroforest.core.config import Pipeline
from agroforest.fire.cells import Cells
from agroforest.fire.danger import Danger
from agroforest.fire.drivers import WORDS, Driver, Floats, Name
from agroforest.maps import DangerLayer, DriverLayer, FirePage, HeldEvent, ScarLayer
from agroforest.nightly.fire.night import FireNight, FireWatch
from agroforest.nightly.fire.scars import read_scar

#: Events last seen longer ago are not drawn; a week, as the ages of their colours.
SHOWN_DAYS = 7
# Drivers worth a look, with the ends of their scales: chosen for the eye.
_SCALES: dict[Name, tuple[float, float, str]] = {
    Name.FWI: (0, 40, "ylorbr"),
    Name.FFMC: (50, 100, "ylorbr"),
    Name.VPD: (0, 5, "ylorbr"),
    Name.TEMPERATURE: (0, 40, "ylorbr"),
    Name.HUMIDITY: (20, 100, "ylgnbu"),
    Name.WIND: (0, 40, "ylgnbu"),
    Name.RAIN: (0, 25, "ylgnbu"),
    Name.FUEL_MOISTURE: (50, 200, "brbg"),
    Name.NDMI_ANOMALY: (-3, 3, "brbg"),
    Name.SLOPE_FACTOR: (1, 5, "ylorbr"),
    Name.HOTSPOTS: (0, 0.01, "ylorbr"),
}


def show_fire(found: FireNight, watch: FireWatch, pipeline: Pipeline) -> FirePage:
    """Gather what the page of a night shows of fire."""
    cells = found.danger.scene.cells if found.danger.scene is not None else None
    moment = found.plan.moment
    oldest = moment - timedelta(days=SHOWN_DAYS)
    living = {one.alert.id for one in found.step.alerts if one.alert.living}
    return FirePage(
        moment=moment,
        danger=tuple(
            _danger(day, cells) for day in found.danger.days if cells is not None
        ),
        events=tuple(e for e in found.sightings.events if e.last >= oldest),
        alerts=tuple(o.facts for o in found.step.alerts if o.alert.id in living),
        held=tuple(
            HeldEvent(
                event=held.event,
                reason_zh=held.verdict.reason_zh,
                reason_en=held.verdict.reason_en,
            )
            for held in found.step.held
        ),
        scars=_scars(found, watch),
        utc_offset_hours=pipeline.map.utc_offset_hours,
        boundaries=watch.boundaries,
    )


def _danger(day: Danger, cells: Cells) -> DangerLayer:
    known = bool(np.isfinite(day.probability).any())
    missing = [WORDS[d.name] for d in day.drivers if d.missing]
    return DangerLayer(
        day=day.day,
        forecast=day.forecast,
        grid=cells.grid,
        rank=day.rank,
        probability=day.probability if known else None,
        model=day.model,
        drivers=tuple(
            _driver(d, d.values, cells)
            for d in day.drivers
            if d.name in _SCALES and d.values is not None
        ),
        missing=tuple((w.zh, w.en) for w in missing),
    )


def _driver(driver: Driver, values: Floats, cells: Cells) -> DriverLayer:
    words, (low, high, colormap) = WORDS[driver.name], _SCALES[driver.name]
    return DriverLayer(
        name=str(driver.name),
        zh=words.zh,
        en=words.en,
        unit=words.unit,
        source=driver.source,
        values=np.where(cells.inside, values, np.nan),
        vmin=low,
        vmax=high,
        colormap=colormap,
    )


def _scars(found: FireNight, watch: FireWatch) -> tuple[ScarLayer, ...]:
    layers = []
    for scar in (scar for outcome in found.scars for scar in outcome.scars):
        pictures = read_scar(watch.scar_folder, scar)
        layers.append(
            ScarLayer(
                id=scar.id,
                alert=scar.alert,
                geometry=scar.geometry,
                area_ha=scar.area_ha,
                verdict_zh=scar.verdict_zh,
                verdict_en=scar.verdict_en,
                before=scar.before,
                after=scar.after,
                grid=pictures.grid,
                nbr_before=pictures.nbr_before,
                nbr_after=pictures.nbr_after,
                severity_ha=scar.severity_ha,
            )
        )
    return tuple(layers)
