import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hotspots.made import (
    MODIS_HEAD,
    VIIRS_HEAD,
    modis_row,
    read_modis,
    read_viirs,
    viirs_row,
)

from agroforest.core.errors import DataError
from agroforest.hotspots.detections import Confidence, Instrument
from agroforest.hotspots.firms import join_feeds, read_firms, read_table


def test_modis_row_means_what_it_says():
    seen = read_modis(modis_row())
    assert seen.instrument.tolist() == [Instrument.MODIS]
    assert seen.satellite.tolist() == ["T"]
    assert seen.time[0] == np.datetime64("2022-04-07T02:51:00")
    assert (seen.longitude[0], seen.latitude[0]) == (108.5, 23.5)
    assert (seen.percent[0], seen.confidence[0]) == (60.0, Confidence.NOMINAL)
    assert seen.frp[0] == 10.5
    assert seen.brightness[0] == np.float32(311.3)
    assert seen.day[0]
    assert seen.kind[0] == -1


def test_viirs_row_means_what_it_says():
    seen = read_viirs(viirs_row(confidence="h", type="2", daynight="N"))
    assert seen.instrument.tolist() == [Instrument.VIIRS]
    assert seen.confidence[0] == Confidence.HIGH
    assert math.isnan(seen.percent[0])
    assert seen.kind[0] == 2
    assert not seen.day[0]


@pytest.mark.parametrize(
    ("written", "minute"),
    [("5", 5), ("0005", 5), ("251", 171), ("0", 0), ("2359", 1439), ("02:51", 171)],
)
def test_times_come_without_their_zeros(written, minute):
    seen = read_modis(modis_row(acq_time=written))
    since = seen.time[0] - np.datetime64("2022-04-07T00:00")
    assert since == np.timedelta64(minute, "m")


@pytest.mark.parametrize(
    ("written", "grade"),
    [
        *(("0", 0), ("29", 0), ("30", 1), ("79", 1), ("80", 2), ("100", 2)),
        *(("l", 0), ("n", 1), ("h", 2), ("L", 0), ("nominal", 1), ("High", 2)),
    ],
)
def test_confidence_is_one_of_three(written, grade):
    assert read_modis(modis_row(confidence=written)).confidence[0] == grade


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"confidence": "x"}, "confidence 'x'"),
        ({"confidence": ""}, "confidence ''"),
        ({"confidence": "101"}, "confidence '101'"),
        ({"confidence": "nan"}, "confidence 'nan'"),
        ({"latitude": "91"}, "latitude '91'"),
        ({"latitude": ""}, "latitude ''"),
        ({"longitude": "1O8.5"}, "longitude '1O8.5'"),
        ({"longitude": "inf"}, "longitude 'inf'"),
        ({"acq_time": "2460"}, "acq_time '2460'"),
        ({"acq_time": "60"}, "acq_time '60'"),
        ({"acq_time": "12.5"}, "acq_time '12.5'"),
        ({"acq_time": ""}, "acq_time ''"),
        ({"acq_date": "2022-02-30"}, "acq_date '2022-02-30'"),
        ({"acq_date": "07.04.2022"}, "acq_date '07.04.2022'"),
        ({"satellite": "Z"}, "satellite 'Z'"),
        ({"frp": "-3"}, "frp '-3'"),
        ({"frp": "hot"}, "frp 'hot'"),
        ({"daynight": "X"}, "daynight 'X'"),
        ({"brightness": "12,3"}, "has 14 cells, the headings 13"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_used(changes, said):
    text = "\n".join([MODIS_HEAD, modis_row(), modis_row(**changes), modis_row(frp=7)])
    table = read_table(text, "feed.csv")
    assert len(table.detections) == 2
    (refused,) = table.refused
    assert (refused.file, refused.line) == ("feed.csv", 3)
    assert refused.reason.startswith(said)


def test_all_rows_may_be_bad():
    table = read_table(f"{MODIS_HEAD}\n{modis_row(confidence='?')}\n", "feed.csv")
    assert len(table.detections) == 0
    assert len(table.refused) == 1


def test_a_day_without_fires_is_a_table_of_headings():
    feed = join_feeds([read_table(VIIRS_HEAD + "\r\n", "feed.csv")])
    assert len(feed.detections) == 0


def test_optional_cells_may_be_blank():
    seen = read_modis(modis_row(frp="", brightness=" ", scan="", track=""))
    assert np.isnan([seen.frp[0], seen.brightness[0], seen.scan[0]]).all()


def test_day_and_night_are_told_by_the_sun_where_the_row_is_silent():
    noon = modis_row(daynight="", acq_time="0500")  # 12:14 at 108.5 degrees east
    night = modis_row(daynight="", acq_time="1800")  # 01:14
    assert read_modis(noon, night).day.tolist() == [True, False]


@pytest.mark.parametrize(
    ("satellite", "instrument"),
    [
        *(("Terra", "MODIS"), ("Aqua", "MODIS"), ("NOAA-20", "VIIRS")),
        *(("Suomi-NPP", "VIIRS"), ("1", "VIIRS"), ("N21", "VIIRS"), ("H09", "AHI")),
        *(("Himawari-9", "AHI"), ("FY-4B", "AGRI"), ("FY3D", "MERSI")),
        *(("Landsat-9", "OLI"), ("Sentinel-2C", "MSI"), ("S2B", "MSI")),
    ],
)
def test_satellites_by_their_many_names(satellite, instrument):
    seen = read_modis(modis_row(satellite=satellite))
    assert seen.instrument[0] == Instrument[instrument]


def test_the_instrument_decides_where_it_is_named():
    seen = read_viirs(viirs_row(satellite="NOAA-22"))
    assert seen.instrument[0] == Instrument.VIIRS
    assert seen.satellite[0] == "NOAA22"


def test_headings_in_any_case_order_and_with_a_mark_of_byte_order(tmp_path):
    head = ",".join(reversed(MODIS_HEAD.upper().split(",")))
    row = ",".join(reversed(modis_row().split(",")))
    path = tmp_path / "feed.csv"
    path.write_text(f"\ufeff{head}\n\n{row}\n", encoding="utf-8")
    assert len(read_firms([path]).detections) == 1


def test_a_feed_that_comes_twice_counts_once(tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("\n".join([MODIS_HEAD, modis_row(), modis_row()]))
    two.write_text("\n".join([MODIS_HEAD, modis_row(), modis_row(acq_time="252")]))
    feed = read_firms([one, two])
    assert len(feed.detections) == 2
    assert [(r.file, r.line, r.reason) for r in feed.repeated] == [
        (str(one), 3, "repeats line 2"),
        (str(two), 2, f"repeats line 2 of {one}"),
    ]


def test_the_archive_has_the_last_word():
    rows = [viirs_row(confidence="l"), viirs_row(confidence="h", type="0")]
    table = read_table("\n".join([VIIRS_HEAD, *rows]), "feed.csv")
    feed = join_feeds([table])
    assert feed.detections.kind.tolist() == [0]
    assert feed.detections.confidence.tolist() == [Confidence.HIGH]


def test_two_satellites_over_one_place_are_two_detections():
    seen = read_modis(modis_row(satellite="T"), modis_row(satellite="A"))
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "there is no column latitude"),
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"latitude\x00", "is not a text file"),
        (b'<html>"', "there is no column"),
        (b"Invalid MAP_KEY.", "there is no column"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, content, said):
    path = tmp_path / "feed.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read_firms([path])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_file():
    with pytest.raises(DataError, match="cannot be read"):
        read_firms([Path("nowhere.csv")])


@given(st.text(max_size=40))
def test_no_cell_stops_the_others(cell):
    cell = cell.replace("\n", " ").replace("\r", " ").replace("\0", " ")
    quoted = '"{}"'.format(cell.replace('"', '""'))
    rows = [
        modis_row(**{name: quoted}, version=n)
        for n, name in enumerate(("confidence", "acq_time", "acq_date", "satellite"))
    ]
    text = "\n".join([MODIS_HEAD, *rows, modis_row(frp=99)])
    table = read_table(text, "feed.csv")
    assert len(table.detections) + len(table.refused) == 5
    assert 99.0 in table.detections.frp


@pytest.mark.data
def test_real_feed_is_read_whole(data_dir):
    feed = read_firms([data_dir / "hotspots_guangxi" / "modis_c61_nrt.csv"])
    assert len(feed.detections) == 3124
    assert feed.refused == feed.repeated == ()
    assert set(feed.detections.satellite.tolist()) == {"T", "A"}
