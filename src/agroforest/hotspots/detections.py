"""Detections: places that a satellite saw burn or glow, column by column."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray

#: Mean radius of the earth, kilometres (IUGG).
EARTH_KM = 6371.0088


class Instrument(IntEnum):
    """What looked; the number is that of the column `Detections.instrument`."""

    MODIS = 0  #: Terra, Aqua; 1 km
    VIIRS = 1  #: Suomi NPP, NOAA-20, NOAA-21; 375 m
    AHI = 2  #: Himawari-8 and -9; 2 km
    AGRI = 3  #: FY-4A and FY-4B; 2 km
    MERSI = 4  #: FY-3; fire product of 1 km
    OLI = 5  #: Landsat 8 and 9; 30 m
    MSI = 6  #: Sentinel-2; 20 m in the short-wave infrared


#: Side of a pixel below the satellite, kilometres, by `Instrument`: Giglio et al. 2016
#: (MODIS), Schroeder et al. 2014 (VIIRS); the others' product descriptions.
NOMINAL_KM = np.array([1.0, 0.375, 2.0, 2.0, 1.0, 0.03, 0.02])
#: Least reach of a detection, kilometres: half a pixel of VIIRS, the finest that sees
#: heat itself. What images of 20 and 30 m show of one fire are specks along its edge.
LEAST_REACH_KM = 0.375 / 2.0


class Confidence(IntEnum):
    """How sure the product is; MODIS numbers are cut at 30 and 80.

    The cuts are those of the MODIS Collection 6.1 Active Fire User's Guide, table 8.
    """

    LOW = 0
    NOMINAL = 1
    HIGH = 2


#: Numbers of confidence from which a detection is nominal, and high.
CONFIDENCE_CUTS = (30.0, 80.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Detections:
    """Detections of any satellites; every array is ``(n,)``.

    Attributes
    ----------
    longitude, latitude
        float64, degrees, WGS 84: the centre of the pixel.
    time
        datetime64[s], UTC: the overpass.
    instrument
        int8, see `Instrument`.
    satellite
        str: short name as FIRMS writes it, ``T``, ``A``, ``N``, ``N20``, ``H09``; and
        ``S2A`` to ``S2D``.
    confidence
        int8, see `Confidence`.
    percent
        float32: confidence as a number of 0 to 100, NaN where it was a letter.
    frp
        float32, fire radiative power in MW; NaN if not given.
    brightness
        float32, kelvin in the channel at 4 micrometres; NaN if not given.
    scan, track
        float32, kilometres: width and length of the pixel; NaN if not given.
    day
        bool: seen by daylight.
    kind
        int8, FIRMS' ``type``: 0 vegetation, 1 volcano, 2 other static source on
        land, 3 offshore; -1 where it is not given, as in near-real-time feeds.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    time: NDArray[np.datetime64]
    instrument: NDArray[np.int8]
    satellite: NDArray[np.str_]
    confidence: NDArray[np.int8]
    percent: NDArray[np.float32]
    frp: NDArray[np.float32]
    brightness: NDArray[np.float32]
    scan: NDArray[np.float32]
    track: NDArray[np.float32]
    day: NDArray[np.bool_]
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.longitude)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> "Detections":
        """Return some of them, by place or by mask."""
        return Detections(
            **{f.name: getattr(self, f.name)[which] for f in fields(self)}
        )

    @property
    def reach_km(self) -> NDArray[np.float64]:
        """``(n,)`` float64: how far from its centre a detection may lie, km.

        Half the diagonal of its pixel, which grows towards the edge of the scan, kept
        between half and the whole nominal pixel side: 188 to 375 m for VIIRS, so that
        two neighbours join over 375 to 750 m; 500 to 1000 m for MODIS. At least
        `LEAST_REACH_KM`.
        """
        side = NOMINAL_KM[self.instrument]
        half = np.hypot(self.scan.astype(np.float64), self.track) / 2.0
        half = np.where(np.isfinite(half), half, side / np.sqrt(2.0))
        return np.maximum(np.clip(half, side / 2.0, side), LEAST_REACH_KM)

    @property
    def order(self) -> NDArray[np.intp]:
        """``(n,)``: places in an order that only the content decides."""
        keys = (self.satellite, self.latitude, self.longitude, self.time)
        return np.lexsort(keys)

    @property
    def key(self) -> NDArray[np.void]:
        """``(n,)`` records that are equal where two rows are one detection.

        Satellite, minute, and place to four decimals (11 m): feeds round differently.
        """
        kind = [("s", self.satellite.dtype), ("t", "i8"), ("x", "i4"), ("y", "i4")]
        key = np.empty(len(self), dtype=kind)
        key["s"] = self.satellite
        key["t"] = self.time.astype("datetime64[m]").astype(np.int64)
        key["x"] = np.rint(self.longitude * 1e4)
        key["y"] = np.rint(self.latitude * 1e4)
        return key


def concatenate(parts: Sequence[Detections]) -> Detections:
    """Join detections, in order; none gives an empty table."""
    if not parts:
        return none()
    return Detections(
        **{
            f.name: np.concatenate([getattr(p, f.name) for p in parts])
            for f in fields(Detections)
        }
    )


def none() -> Detections:
    """Return a table without rows."""
    kinds = {"time": "datetime64[s]", "satellite": "U1", "day": np.bool_}
    kinds |= dict.fromkeys(("instrument", "confidence", "kind"), np.int8)
    kinds |= dict.fromkeys(("longitude", "latitude"), np.float64)
    return Detections(
        **{
            f.name: np.empty(0, dtype=kinds.get(f.name, np.float32))
            for f in fields(Detections)
        }
    )


def unit_vectors(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``(n, 3)`` float64: points of the earth's surface in kilometres from its centre.

    Straight distances between them are those on the ground to a centimetre up to
    5 km, also across the date line.
    """
    lon, lat = np.radians(longitude), np.radians(latitude)
    flat = np.cos(lat)
    axes = (flat * np.cos(lon), flat * np.sin(lon), np.sin(lat))
    return EARTH_KM * np.stack(axes, axis=1)


def index_places(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> shapely.STRtree:
    """Index of places, to be asked which of them lie in a polygon."""
    places = shapely.points(np.column_stack([longitude, latitude]))
    return shapely.STRtree(np.atleast_1d(np.asarray(places, dtype=object)))
