"""Feeds as FIRMS writes them, made by hand."""

from collections.abc import Iterable
from datetime import datetime

from agroforest.hotspots.detections import Detections
from agroforest.hotspots.firms import join_feeds, read_table

MODIS_HEAD = (
    "latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,"
    "confidence,version,bright_t31,frp,daynight"
)
VIIRS_HEAD = (
    "latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,"
    "instrument,confidence,version,bright_ti5,frp,daynight,type"
)


def modis_row(**changes: object) -> str:
    row = {
        "latitude": "23.50000",
        "longitude": "108.50000",
        "brightness": "311.3",
        "scan": "1.0",
        "track": "1.0",
        "acq_date": "2022-04-07",
        "acq_time": "0251",
        "satellite": "T",
        "confidence": "60",
        "version": "6.1NRT",
        "bright_t31": "290.5",
        "frp": "10.5",
        "daynight": "D",
    }
    return _join(row, changes)


def viirs_row(**changes: object) -> str:
    row = {
        "latitude": "23.50000",
        "longitude": "108.50000",
        "bright_ti4": "340.1",
        "scan": "0.39",
        "track": "0.36",
        "acq_date": "2022-04-07",
        "acq_time": "0612",
        "satellite": "N",
        "instrument": "VIIRS",
        "confidence": "n",
        "version": "2.0NRT",
        "bright_ti5": "295.0",
        "frp": "5.5",
        "daynight": "D",
        "type": "",
    }
    return _join(row, changes)


def _join(row: dict[str, str], changes: dict[str, object]) -> str:
    assert changes.keys() <= row.keys()
    return ",".join(str(v) for v in {**row, **changes}.values())


def read_modis(*rows: str) -> Detections:
    table = read_table("\n".join([MODIS_HEAD, *rows]), "modis.csv")
    assert table.refused == ()
    return join_feeds([table]).detections


def read_viirs(*rows: str) -> Detections:
    table = read_table("\n".join([VIIRS_HEAD, *rows]), "viirs.csv")
    assert table.refused == ()
    return join_feeds([table]).detections


def detections_at(
    places: Iterable[tuple[float, float, datetime]], **changes: object
) -> Detections:
    """VIIRS detections at (longitude, latitude, time)."""
    return read_viirs(
        *(
            viirs_row(
                longitude=f"{lon:.5f}",
                latitude=f"{lat:.5f}",
                acq_date=when.date().isoformat(),
                acq_time=f"{when:%H%M}",
                **changes,
            )
            for lon, lat, when in places
        )
    )
