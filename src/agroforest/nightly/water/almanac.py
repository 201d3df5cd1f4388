"""What a day brought to a field: weather, irrigation, canopy, probes, satellite."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, timezone

import numpy as np

from agroforest.core.config import WaterSection
from agroforest.core.identity import digest
from agroforest.core.risk import EPOCH
from agroforest.nightly.water.capacity import Capacities
from agroforest.nightly.water.fields import WETTED, FarmField
from agroforest.nightly.water.irrigation import Irrigations
from agroforest.nightly.water.probe_state import Moisture
from agroforest.nightly.water.probes import DRAWN_DAYS, Probes
from agroforest.nightly.water.seen import Seen
from agroforest.nightly.water.weather import Skies, Sky
from agroforest.water import FieldDay
from agroforest.water.canopy import find_kcb, find_seen_cover


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayRecord:
    """A day of a field.

    Attributes
    ----------
    today
        For the balance.
    moisture
        What trusted probes say of its evening.
    wetness
        What a satellite saw, 0 to 1; ``None`` without a clear view.
    """

    today: FieldDay
    moisture: Moisture
    wetness: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Almanac:
    """All records of a night.

    Attributes
    ----------
    night
        Last day that may be known, since 1970-01-01.
    settings
        Which of the records count.
    skies, irrigations, probes, seen
        The records.
    capacities
        What the probes have learned of field capacity.
    offset
        Of local time: a day ends at local midnight.
    """

    night: int
    settings: WaterSection
    skies: Skies
    irrigations: Irrigations = field(default_factory=Irrigations)
    probes: Probes
    seen: Seen = field(default_factory=Seen)
    capacities: Capacities = field(default_factory=lambda: Capacities({}))
    offset: timedelta = timedelta(hours=8)

    def sky(self, one: FarmField) -> Sky:
        """Weather over a field."""
        return self.skies.over(one.place.geometry)

    def fingerprint(self, one: FarmField, day: int) -> str:
        """Digest of what a day brought; trust in probes follows from their readings."""
        parcel = one.id
        water = self.irrigations.of(parcel, day)
        return digest(
            self.sky(one).find(day).fingerprint(),
            [water.hex(), one.plot.efficiency, one.method] if water else [],
            self.seen.find_ndvi(parcel, day) if self.settings.greenness else None,
            self.seen.find_wetness(parcel, day),
            self.probes.fingerprint(one.sensors, day) if self._is_drawn(day) else "",
            self._tell_learned(one, day) if self._is_drawn(day) else [],
        )

    def find(self, one: FarmField, day: int) -> DayRecord:
        """Find what a day brought to a field."""
        moisture = Moisture()
        if self._is_drawn(day):
            learned = self.capacities.find(one, day)
            moisture = self.probes.measure(one.sensors, self.end_of(day), learned)
        wetness = None
        if self.settings.assimilate:
            wetness = self.seen.find_wetness(one.id, day)
        return DayRecord(
            today=self.dress(one, self.sky(one).find(day).field),
            moisture=moisture,
            wetness=wetness,
        )

    def dress(self, one: FarmField, today: FieldDay) -> FieldDay:
        """Add irrigation and canopy to the weather of a day."""
        given = today.day <= self.night
        water = self.irrigations.of(one.id, today.day) if given else 0.0
        ndvi = None
        if self.settings.greenness:
            ndvi = self.seen.find_ndvi(one.id, today.day)
        dressed = replace(
            today,
            irrigation=water,
            efficiency=one.plot.efficiency,
            wetted=WETTED[one.method] if water else np.nan,
        )
        if ndvi is None:
            return dressed
        return replace(
            dressed,
            kcb=float(find_kcb(ndvi, crop=one.entry.crop)),
            cover=float(find_seen_cover(ndvi)),
        )

    def end_of(self, day: int) -> datetime:
        """Local midnight after a day, or the moment of the night if that is earlier."""
        after = EPOCH + timedelta(days=day + 1)
        midnight = datetime.combine(after, time(), timezone(self.offset))
        return min(midnight, self.probes.moment).astimezone(UTC)

    def _tell_learned(self, one: FarmField, day: int) -> list[object]:
        return [
            [*level, learned.value, learned.spread]
            for level, learned in sorted(self.capacities.find(one, day).items())
        ]

    def _is_drawn(self, day: int) -> bool:
        return self.settings.assimilate and day > self.night - DRAWN_DAYS
