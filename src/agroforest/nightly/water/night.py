"""A night of water, top to bottom: records, balance, probes, advice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from time import perf_counter

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import Aoi
from agroforest.core.config import Pipeline
from agroforest.core.errors import AgroforestError, DataError
from agroforest.core.identity import digest, digest_file
from agroforest.core.reading import Sensor
from agroforest.core.risk import epoch_day
from agroforest.farm.crops import read_crops
from agroforest.nightly.result import Refusal
from agroforest.nightly.water.almanac import Almanac
from agroforest.nightly.water.capacity import Capacities, read_capacities
from agroforest.nightly.water.fields import FarmField, LeftOut, build_fields
from agroforest.nightly.water.irrigation import Irrigations, read_irrigations
from agroforest.nightly.water.judge import FieldNight, judge, leave_out
from agroforest.nightly.water.probes import NEAR_DEGREES, Probes, read_probes
from agroforest.nightly.water.seen import Seen, SeenDesk, follow_probes, scale_ndmi
from agroforest.nightly.water.trails import KEPT, Trails
from agroforest.nightly.water.weather import WeatherDesk, Words
from agroforest.nightly.workplace import Workplace
from agroforest.sensors import read_calibrations
from agroforest.store import Store

#: Raised whenever a night would say something else from the same inputs.
ALGORITHM = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WaterPlan:
    """What a night has to go on.

    Attributes
    ----------
    id
        Digest of it.
    night, moment
        The night, and until when it knows anything.
    fields, left_out
        Parcels made ready, and those that cannot be.
    almanac
        Records up to the moment.
    notes
        What is missing.
    refused
        Inputs that cannot be used.
    """

    id: str
    night: date
    moment: datetime
    fields: tuple[FarmField, ...] = field(repr=False)
    left_out: tuple[LeftOut, ...] = field(repr=False)
    almanac: Almanac = field(repr=False)
    notes: tuple[Words, ...] = ()
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WaterNight:
    """What a night knows of water.

    Attributes
    ----------
    plan
        What it went on.
    parcels
        Every parcel of the area, in its order.
    refused
        Inputs and parcels that cannot be used.
    seconds
        Wall time.
    """

    plan: WaterPlan
    parcels: tuple[FieldNight, ...] = field(repr=False)
    refused: tuple[Refusal, ...]
    seconds: float


class WaterWatch:
    """Keeps the water of parcels, one night after another.

    Parameters
    ----------
    pipeline
        Settings.
    aoi
        The area.
    workplace
        Where to write.
    store
        Where readings are.

    Raises
    ------
    ConfigurationError, DataError
        The table of crops or the calibrations cannot be used.
    """

    def __init__(
        self, pipeline: Pipeline, aoi: Aoi, workplace: Workplace, store: Store
    ) -> None:
        self._pipeline, self._aoi, self._store = pipeline, aoi, store
        settings = pipeline.water
        self._settings = settings
        self._crops = read_crops(settings.crops)
        self._calibrations = (
            ()
            if settings.calibrations is None
            else read_calibrations(settings.calibrations)
        )
        self._weather = WeatherDesk(settings, latitude=aoi.area.centroid.y)
        self.folder = workplace.folder / "water"
        self._trails = Trails(self.folder)
        self._seen = SeenDesk(workplace.folder / "indices", self.folder / "seen")
        self._offset = timedelta(hours=pipeline.map.utc_offset_hours)
        self._learned: tuple[object, Capacities] | None = None

    def list_maps(self, night: date) -> list[str]:
        """List the index maps that a night may look at."""
        names = {"ndvi", self._settings.satellite}
        return [
            str(p) for n in sorted(names) for _, p in self._seen.find_maps(n, night)
        ]

    def plan(self, night: date, now: datetime | None = None) -> WaterPlan:
        """Read what a night has to go on.

        Parameters
        ----------
        night
            The night.
        now
            The time; a night that has not ended yet knows nothing later. Without it
            every night has ended.

        Raises
        ------
        AgroforestError
            The weather cannot be read.
        """
        end = datetime.combine(
            night + timedelta(days=1), time(), timezone(self._offset)
        )
        moment = end.astimezone(UTC) if now is None else min(end, now).astimezone(UTC)
        sensors = self._store.sensors()
        fields, left_out = build_fields(self._aoi, self._settings, self._crops, sensors)
        skies = self._weather.look(night)
        irrigations, refused = self._read_irrigations(fields)
        seen, unseen = self._look_down(fields, night)
        almanac = Almanac(
            night=epoch_day(night),
            settings=self._settings,
            skies=skies,
            irrigations=irrigations,
            probes=self._read_probes(fields, moment, seen),
            seen=seen,
            capacities=self._read_capacities(fields, night),
            offset=self._offset,
        )
        return WaterPlan(
            id=self._identify(night, fields, left_out, almanac),
            night=night,
            moment=moment,
            fields=tuple(fields),
            left_out=tuple(left_out),
            almanac=almanac,
            notes=skies.notes,
            refused=(*refused, *unseen),
        )

    def work(self, plan: WaterPlan) -> WaterNight:
        """Judge every parcel; one that cannot be judged does not stop the others."""
        started = perf_counter()
        known = {
            left.place.id: leave_out(left.place, left.error) for left in plan.left_out
        }
        for one in plan.fields:
            try:
                led = self._trails.lead(one, plan.almanac)
                known[one.id] = judge(one, led, plan.almanac)
            except AgroforestError as error:
                known[one.id] = leave_out(one.place, error)
        parcels = tuple(known[p.id] for p in self._aoi.places if p.id in known)
        errors = [found.error for found in parcels if found.error is not None]
        return WaterNight(
            plan=plan,
            parcels=parcels,
            refused=(*plan.refused, *(Refusal.of(error) for error in errors)),
            seconds=perf_counter() - started,
        )

    def _read_irrigations(
        self, fields: Sequence[FarmField]
    ) -> tuple[Irrigations, list[Refusal]]:
        path = self._settings.irrigation
        if path is None:
            return Irrigations(), []
        try:
            hectares = {one.id: one.plot.hectares for one in fields}
            return read_irrigations(path, hectares), []
        except DataError as error:
            return Irrigations(), [Refusal.of(error)]

    def _look_down(
        self, fields: Sequence[FarmField], night: date
    ) -> tuple[Seen, list[Refusal]]:
        """Measure the nights' own maps; one that is damaged costs its index only."""
        wanted = {}
        if self._settings.greenness:
            wanted["ndvi"] = "ndvi"
        if self._settings.satellite != "none":
            wanted["wetness"] = self._settings.satellite
        found, refused = {}, []
        for kind, name in wanted.items():
            try:
                means = self._seen.look(name, fields, night) if fields else {}
            except AgroforestError as error:
                refused.append(Refusal.of(error))
                continue
            found[kind] = scale_ndmi(means) if name == "ndmi" else means
            if kind == "wetness":
                found["order"] = means
        return Seen(**found), refused

    def _read_probes(
        self, fields: Sequence[FarmField], moment: datetime, seen: Seen
    ) -> Probes:
        """Read the parcels' probes, and those near them that may contradict."""
        sensors = {one.id: one for one in self._store.sensors()}
        own = {name for one in fields for name in one.sensors}
        inside = self._aoi.area.buffer(NEAR_DEGREES)
        wanted = {
            name: sensor
            for name, sensor in sensors.items()
            if name in own or _stands_in(sensor, inside)
        }
        return read_probes(
            self._store,
            wanted,
            self._calibrations,
            moment=moment,
            wetness=None
            if seen.order is None
            else follow_probes(seen.order, fields, self._offset),
            offset=self._offset,
        )

    def _read_capacities(self, fields: Sequence[FarmField], night: date) -> Capacities:
        """Read once for all nights of a month what the months before it taught."""
        if not self._settings.assimilate:
            return Capacities({})
        month = night.replace(day=1), [(one.id, one.sensors) for one in fields]
        if self._learned is None or self._learned[0] != month:
            found = read_capacities(
                self._store,
                fields,
                self._calibrations,
                night=night,
                offset=self._offset,
            )
            self._learned = month, found
        return self._learned[1]

    def _identify(
        self,
        night: date,
        fields: Sequence[FarmField],
        left_out: Sequence[LeftOut],
        almanac: Almanac,
    ) -> str:
        last = epoch_day(night)
        behind = range(last - KEPT + 1, last + 1)
        ahead = range(last + 1, last + 1 + self._settings.ahead_days)
        return digest(
            "water",
            ALGORITHM,
            self._pipeline.name,
            night,
            self._settings.model_dump(mode="json"),
            [
                [
                    one.id,
                    one.identity,
                    one.plot.zh,
                    one.plot.en,
                    [one.plot.flow, one.plot.most_mm, one.plot.hectares],
                    [almanac.fingerprint(one, day) for day in behind],
                    [
                        found.fingerprint()
                        for day in ahead
                        if (found := almanac.sky(one).ahead.get(day)) is not None
                    ],
                ]
                for one in fields
            ],
            [[left.place.id, str(left.error)] for left in left_out],
        )


def _stands_in(sensor: Sensor, area: BaseGeometry) -> bool:
    if sensor.longitude is None or sensor.latitude is None:
        return False
    return bool(shapely.contains_xy(area, sensor.longitude, sensor.latitude))


def list_outputs(root: Path, paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of files by their path from the work folder."""
    return {path.relative_to(root).as_posix(): digest_file(path) for path in paths}
