"""A night of fire, top to bottom: danger, hotspots, alerts, scars."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from time import perf_counter

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.alerts.fire import FireAlert, FireStep, step
from agroforest.alerts.gate import Conditions
from agroforest.catalog import Catalog
from agroforest.core.aoi import Aoi
from agroforest.core.config import Pipeline
from agroforest.core.errors import AgroforestError, ModelError
from agroforest.core.fire import EventKind, HotspotEvent, Outcome
from agroforest.core.identity import digest, digest_file
from agroforest.fire.drivers import Name
from agroforest.fire.outputs import write_day
from agroforest.hotspots.detections import Detections
from agroforest.hotspots.districts import read_districts
from agroforest.hotspots.firms import Feed
from agroforest.hotspots.static import read_static
from agroforest.hotspots.writing import write_csv, write_geojson
from agroforest.nightly.fire.danger import DangerWatch, NightDanger, read_datum
from agroforest.nightly.fire.scars import BurnedPlace, ScarOutcome, map_scar
from agroforest.nightly.fire.sightings import (
    FeedReader,
    Sightings,
    Surroundings,
    find_sightings,
    pick,
)
from agroforest.nightly.result import Refusal
from agroforest.nightly.workplace import Workplace

#: Raised whenever a night would say something else from the same inputs.
ALGORITHM = 1
#: A scar is looked for this long after a fire was last seen: images of 45 days, and
#: those that come late. Our choice.
SCAR_DAYS = 60
_NO_SCAR = (Outcome.NOTHING, Outcome.STATIC_SOURCE)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FirePlan:
    """What a night has to go on.

    Attributes
    ----------
    id
        Digest of it.
    night
        The night.
    moment
        What was known then is judged: the end of the night in local time, or now if
        the night has not ended.
    feed
        What the feeds hold, of all times and places.
    seen
        Of that, what was in the area up to the moment.
    unreadable
        Files of the feeds that cannot be read.
    """

    id: str
    night: date
    moment: datetime
    feed: Feed = field(repr=False)
    seen: Detections = field(repr=False)
    unreadable: tuple[AgroforestError, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FireNight:
    """What a night knows of fire.

    Attributes
    ----------
    plan
        What it went on.
    danger
        Of its day and those forecast.
    sightings
        Events of the last weeks.
    step
        Alerts after the night, and what was held back.
    scars
        Of fires that are over.
    outputs
        SHA-256 of the files written, by path relative to the work folder.
    refused
        Inputs that could not be used.
    seconds
        Wall time.
    """

    plan: FirePlan
    danger: NightDanger = field(repr=False)
    sightings: Sightings = field(repr=False)
    step: FireStep = field(repr=False)
    scars: tuple[ScarOutcome, ...] = field(repr=False)
    outputs: Mapping[str, str] = field(repr=False)
    refused: tuple[Refusal, ...]
    seconds: float


class FireWatch:
    """Looks for fire, one night after another.

    Parameters
    ----------
    pipeline
        Settings.
    aoi
        The area.
    workplace
        Where to write.
    catalog
        Where images of scars are looked up; ``None`` where there is none.

    Raises
    ------
    ConfigurationError, DataError
        A layer of the settings cannot be used.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        aoi: Aoi,
        workplace: Workplace,
        *,
        catalog: Catalog | None = None,
    ) -> None:
        self._pipeline, self._aoi, self._workplace = pipeline, aoi, workplace
        self._catalog = catalog if pipeline.fire.scars else None
        self._danger = DangerWatch(pipeline, workplace)
        self._reader = FeedReader()
        self._surroundings = _look_around(pipeline, aoi)

    @property
    def folder(self) -> Path:
        """Where the files of fire are."""
        return self._workplace.folder / "fire"

    @property
    def scar_folder(self) -> Path:
        """Where those of scars are."""
        return self.folder / "scars"

    @property
    def boundaries(self) -> tuple[BaseGeometry, ...]:
        """Counties of the area, cut at its edge."""
        area, counties = self._aoi.area, self._surroundings.layers.get("county")
        if counties is None:
            return ()
        near = (d.geometry for d in counties.districts if d.geometry.intersects(area))
        return tuple(shapely.intersection(shape, area) for shape in near)

    def plan(self, night: date, now: datetime | None = None) -> FirePlan:
        """Read what a night has to go on.

        Parameters
        ----------
        night
            The night.
        now
            The time; a night that has not ended yet knows nothing later. Without it
            every night has ended.
        """
        offset = timedelta(hours=self._pipeline.map.utc_offset_hours)
        end = datetime.combine(night + timedelta(days=1), time(), timezone(offset))
        moment = end.astimezone(UTC) if now is None else min(end, now).astimezone(UTC)
        settings = self._pipeline.fire
        feed, unreadable = self._reader.read(settings.hotspots)
        seen = pick(feed.detections, self._aoi.area, moment)
        return FirePlan(
            id=digest(
                "fire",
                ALGORITHM,
                self._pipeline.name,
                night,
                settings.model_dump(mode="json"),
                self._aoi.area.wkb_hex,
                self._danger.identify(night),
                _identify(seen),
            ),
            night=night,
            moment=moment,
            feed=feed,
            seen=seen,
            unreadable=unreadable,
        )

    def work(self, plan: FirePlan, before: Sequence[FireAlert]) -> FireNight:
        """Judge a night and write its files.

        Parameters
        ----------
        plan
            From `plan`.
        before
            Alerts of fire as the night before left them, closed ones too while
            their scars are looked for.
        """
        started = perf_counter()
        danger = self._danger.judge(plan.night)
        sightings = find_sightings(
            plan.seen,
            self._surroundings,
            moment=plan.moment,
            oldest=min((a.facts.event.first for a in before), default=None),
        )
        after = step(
            before,
            _pick_news(sightings, before, plan.moment, self._surroundings.gap_hours),
            _find_conditions(danger, plan.night, sightings),
            pipeline=self._pipeline.name,
            night=plan.night,
            moment=plan.moment,
            places=self._aoi.places,
            settings=self._pipeline.fire,
            life=self._pipeline.alerts,
        )
        scars, lost = self._map_scars(plan.night, after.alerts)
        refused = [Refusal.of(e) for e in (*plan.unreadable, *lost)]
        refused += [Refusal.of(e) for s in scars for e in s.refused]
        return FireNight(
            plan=plan,
            danger=danger,
            sightings=sightings,
            step=after,
            scars=scars,
            outputs=self._write(plan.night, danger, sightings)
            | self._list_scar_files(scars),
            refused=tuple(refused),
            seconds=perf_counter() - started,
        )

    def _map_scars(
        self, night: date, alerts: Sequence[FireAlert]
    ) -> tuple[tuple[ScarOutcome, ...], tuple[ModelError, ...]]:
        """Look for the scars of fires that have not been seen since yesterday.

        A model that cannot be used costs the scars, not danger and hotspots.
        """
        found: list[ScarOutcome] = []
        if self._catalog is None:
            return (), ()
        for place in _find_burned(night, alerts):
            try:
                outcome = map_scar(
                    place,
                    catalog=self._catalog,
                    pipeline=self._pipeline,
                    night=night,
                    out=self.scar_folder,
                )
            except ModelError as error:
                return tuple(found), (error,)
            found.append(outcome)
        return tuple(found), ()

    def _write(
        self, night: date, danger: NightDanger, sightings: Sightings
    ) -> dict[str, str]:
        paths: list[Path] = []
        for judged in danger.days:
            out = self.folder / "danger"
            if judged.forecast:
                out = self.folder / "forecast" / str(night)
            if danger.scene is not None:
                paths += write_day(out, judged, danger.scene.cells)
        table = self.folder / "events" / f"{night}.csv"
        write_csv(table, sightings.table)
        outlines = table.with_suffix(".geojson")
        write_geojson(outlines, sightings.table, sightings.outlines)
        return self._digests([*paths, table, outlines])

    def _list_scar_files(self, scars: Sequence[ScarOutcome]) -> dict[str, str]:
        root = self.scar_folder.relative_to(self._workplace.root)
        return {
            (root / name).as_posix(): sha256
            for scar in scars
            for name, sha256 in scar.files.items()
        }

    def _digests(self, paths: Sequence[Path]) -> dict[str, str]:
        root = self._workplace.root
        return {p.relative_to(root).as_posix(): digest_file(p) for p in paths}


def _look_around(pipeline: Pipeline, aoi: Aoi) -> Surroundings:
    settings = pipeline.fire
    datum = read_datum(settings)
    named = {"county": settings.counties, "township": settings.townships}
    static = settings.static_sources
    return Surroundings(
        area=aoi.area,
        layers={
            name: read_districts(path, datum=datum)
            for name, path in named.items()
            if path is not None
        },
        land_cover=settings.land_cover,
        static=None if static is None else tuple(read_static(static)),
        gap_hours=settings.gap_hours,
        utc_offset_hours=pipeline.map.utc_offset_hours,
    )


def _identify(seen: Detections) -> str:
    """Digest of detections, whatever files they came in."""
    ordered = seen.take(seen.order)
    found = hashlib.blake2b(digest_size=16)
    for values in (ordered.key, ordered.confidence, ordered.frp, ordered.kind):
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def _pick_news(
    sightings: Sightings,
    before: Sequence[FireAlert],
    moment: datetime,
    gap_hours: float,
) -> list[HotspotEvent]:
    """Events that may still burn, and those that are known.

    What had gone out before anybody watched raises no alert.
    """
    known = {one.facts.event.id for one in before}
    oldest = moment - timedelta(hours=gap_hours)
    return [e for e in sightings.events if e.last >= oldest or e.id in known]


def _find_conditions(
    danger: NightDanger, night: date, sightings: Sightings
) -> dict[str, Conditions]:
    """Rank and rain in the cell of each event; nothing where they are not known."""
    judged = danger.of(night)
    if judged is None or danger.scene is None:
        return {}
    cells = danger.scene.cells
    rain = judged.find(Name.RAIN).values
    events = sightings.events
    longitude = np.array([e.longitude for e in events])
    latitude = np.array([e.latitude for e in events])
    where = cells.locate(longitude, latitude)
    return {
        event.id: Conditions(
            rank=int(judged.rank.ravel()[cell]),
            rain=None if rain is None else float(rain.ravel()[cell]),
        )
        for event, cell in zip(events, where.tolist(), strict=True)
        if cell >= 0
    }


def _find_burned(night: date, alerts: Sequence[FireAlert]) -> list[BurnedPlace]:
    """Find fires last seen before a night, and not too long ago."""
    found = []
    for one in alerts:
        event, said = one.facts.event, one.facts.verification
        age = (night - event.last.date()).days
        if event.kind is not EventKind.FIRE or not 0 < age <= SCAR_DAYS:
            continue
        if said is not None and said.outcome in _NO_SCAR:
            continue
        found.append(
            BurnedPlace(
                alert=one.alert.id,
                outline=event.geometry,
                first=event.first.date(),
                last=event.last.date(),
            )
        )
    return found
