"""Events: detections that are one fire, or one chimney, as far as the sky can tell.

::

    step(events, new) -> events

Feeding the nights one by one gives what feeding them all at once gives.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.core.identity import digest
from agroforest.hotspots.detections import (
    EARTH_KM,
    Confidence,
    Detections,
    Instrument,
    concatenate,
    none,
)
from agroforest.hotspots.links import label_chains

#: A fire may go unseen this long, hours: three half-day overpasses, so that one cloudy
#: night does not cut it in two. Within the one to two days in use; arbitrary.
GAP_HOURS = 36.0
# Sides of a quarter circle when a point grows to an outline.
_QUARTER = 3
_CM = 7  # decimals of a degree


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """Events and the detections they are made of.

    Attributes
    ----------
    id
        ``(n,)`` str: digest of the event's first detection; stays the same while the
        event grows. Of two events that grow together the older id remains.
    start
        ``(n + 1,)`` int64: detections of event ``i`` are ``start[i]:start[i + 1]``.
    detections
        Event by event; within one by time. Events are in order of their beginning.
    """

    id: NDArray[np.str_]
    start: NDArray[np.int64]
    detections: Detections

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.id)

    @cached_property
    def of(self) -> NDArray[np.int64]:
        """``(detections,)`` int64: place of the event of each detection."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @property
    def size(self) -> NDArray[np.int64]:
        """``(n,)`` int64: detections of each."""
        return np.diff(self.start)

    @property
    def first(self) -> NDArray[np.datetime64]:
        """``(n,)`` datetime64[s], UTC: first seen."""
        return self.detections.time[self.start[:-1]]

    @property
    def last(self) -> NDArray[np.datetime64]:
        """``(n,)`` datetime64[s], UTC: last seen."""
        return self.detections.time[self.start[1:] - 1]

    def total(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """``(n,)`` float64: sum of a column over each event's detections."""
        weights = np.asarray(values, dtype=np.float64)
        return np.bincount(self.of, weights=weights, minlength=len(self)).astype(
            np.float64
        )

    def greatest(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """``(n,)``: greatest of a column, NaN passed over."""
        if not len(self):
            return values[:0]
        return np.fmax.reduceat(values, self.start[:-1])

    @property
    def centre(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``(n,)`` float64 each: mean longitude and latitude, degrees.

        Longitudes are averaged as differences to the first, so that an event on the
        date line has its centre there.
        """
        seen = self.detections
        origin = seen.longitude[self.start[:-1]]
        east = _wrap(seen.longitude - np.repeat(origin, self.size))
        longitude = _wrap(origin + self.total(east) / self.size)
        return longitude, self.total(seen.latitude) / self.size

    @property
    def confidence(self) -> NDArray[np.int8]:
        """``(n,)`` int8: that of the surest detection, see `Confidence`."""
        return self.greatest(self.detections.confidence).astype(np.int8)

    @property
    def sure_viirs(self) -> NDArray[np.bool_]:
        """``(n,)``: holds a VIIRS detection of nominal or high confidence."""
        seen = self.detections
        sure = (seen.instrument == Instrument.VIIRS) & (
            seen.confidence >= Confidence.NOMINAL
        )
        return self.total(sure) > 0

    def count(self, instrument: Instrument) -> NDArray[np.int64]:
        """``(n,)`` int64: detections by one instrument."""
        hits = self.detections.instrument == instrument
        return self.total(hits).astype(np.int64)

    def outlines(self) -> NDArray[np.object_]:
        """``(n,)`` object: polygons in degrees, WGS 84.

        The convex hull of the pixel centres, grown by the reach of the widest pixel.
        A burning edge bends: what lies between two arms is inside, too. It is where
        to look, not what burned.
        """
        if not len(self):
            return np.empty(0, dtype=object)
        seen, size = self.detections, self.size
        lon0, lat0 = self.centre
        km_north = EARTH_KM * np.pi / 180.0
        km_east = km_north * np.maximum(np.cos(np.radians(lat0)), 1e-6)
        x = _wrap(seen.longitude - np.repeat(lon0, size)) * np.repeat(km_east, size)
        y = (seen.latitude - np.repeat(lat0, size)) * km_north
        clouds = shapely.multipoints(np.column_stack([x, y]), indices=self.of)
        hulls = shapely.convex_hull(clouds)
        grown = shapely.buffer(hulls, self.greatest(seen.reach_km), quad_segs=_QUARTER)
        xy, of = shapely.get_coordinates(grown, return_index=True)
        xy[:, 0] = np.round(xy[:, 0] / km_east[of] + lon0[of], _CM)
        xy[:, 1] = np.round(xy[:, 1] / km_north + lat0[of], _CM)
        outlines: NDArray[np.object_] = shapely.set_coordinates(grown, xy)
        return outlines


def no_events() -> Events:
    """Return what there is before the first night."""
    return _build(none(), np.empty(0, dtype=np.int64))


def step(events: Events, new: Detections, *, gap_hours: float = GAP_HOURS) -> Events:
    """Add detections to the events they belong to, or make new ones.

    Parameters
    ----------
    events
        As the night before left them.
    new
        Of any times, late ones too; those that are known already change nothing.
    gap_hours
        See `links.label_chains`; the same on all nights.

    Returns
    -------
    Events
        All of them. Only events that the new detections may touch are looked at.
    """
    new = _unknown(events, new)
    if not len(new):
        return events
    open_ = _within_reach(events, new, gap_hours)
    stirred = open_[events.of]
    settled = events.detections.take(~stirred)
    loose = concatenate([events.detections.take(stirred), new])
    label = label_chains(loose, gap_hours=gap_hours)
    old = np.unique(events.of[~stirred], return_inverse=True)[1]
    both = np.concatenate([label, old + (label.max() + 1)])
    return _build(concatenate([loose, settled]), both)


def _unknown(events: Events, new: Detections) -> Detections:
    """Leave out what is known, and repetitions."""
    known = events.detections.key.astype(new.key.dtype)
    keys = np.concatenate([known, new.key])
    _, first = np.unique(keys, return_index=True)
    fresh = np.sort(first[first >= len(known)]) - len(known)
    return new.take(fresh)


def _within_reach(events: Events, new: Detections, hours: float) -> NDArray[np.bool_]:
    """Which events come near enough in time to be linked to any of the new."""
    gap = np.timedelta64(round(hours * 3600), "s")
    times = np.sort(new.time)
    after = np.searchsorted(times, events.first - gap, side="left")
    until = np.searchsorted(times, events.last + gap, side="right")
    return until > after


def _build(detections: Detections, label: NDArray[np.int64]) -> Events:
    order = detections.order
    detections, label = detections.take(order), label[order]
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    event = rank[inverse]
    detections = detections.take(np.argsort(event, kind="stable"))
    sizes = np.bincount(event, minlength=len(first))
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    ids = _name(detections.take(start[:-1]))
    return Events(id=ids, start=start, detections=detections)


def _name(founders: Detections) -> NDArray[np.str_]:
    key = founders.key
    columns = (key[name].tolist() for name in ("s", "t", "x", "y"))
    # One text a row: a digest of five values takes twice as long.
    names = [
        digest("hotspot {} {} {} {}".format(*r)) for r in zip(*columns, strict=True)
    ]
    return np.array(names, dtype="U16")


def _wrap(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return (degrees + 180.0) % 360.0 - 180.0
