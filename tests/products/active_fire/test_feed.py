"""Burning pixels as detections, and as events beside those of FIRMS."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from tests.hotspots.made import VIIRS_HEAD, viirs_row
from tests.products.active_fire.conftest import FIRE, GRID, QUIET, MakeScene

from agroforest.catalog.level1 import Imager, Level1Scene
from agroforest.hotspots.detections import Confidence, Instrument
from agroforest.hotspots.firms import read_file
from agroforest.hotspots.survey import HotspotRequest, survey_hotspots
from agroforest.products.active_fire import FirePixels, find_fires, read_fires
from agroforest.products.active_fire.feed import SQUARE_M, build_table
from agroforest.testing.level1 import EMBERS, FLAME

_TO_WGS84 = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True)


def place(row: float, column: float) -> tuple[float, float]:
    """Longitude and latitude of the corner of a pixel."""
    lonlat: tuple[float, float] = _TO_WGS84.transform(
        GRID.left + column * GRID.resolution, GRID.top - row * GRID.resolution
    )
    return lonlat


def folder_of(scene: Level1Scene) -> Path:
    return scene.source.parent


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "events.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_fire_is_one_detection_in_its_middle(burning: Level1Scene) -> None:
    table = build_table(burning, find_fires(burning))
    seen = table.detections
    assert (table.file, table.lines.tolist()) == (burning.id, [1])
    row, column, rows, columns = FIRE
    middle = place(row + rows / 2, column + columns / 2)
    np.testing.assert_allclose((seen.longitude[0], seen.latitude[0]), middle, atol=1e-7)
    assert seen.time[0] == np.datetime64("2024-03-01T03:05:41")
    assert (seen.instrument[0], seen.satellite[0]) == (Instrument.MSI, "S2A")
    assert seen.confidence[0] == Confidence.HIGH
    np.testing.assert_allclose((seen.scan[0], seen.track[0]), (0.06, 0.04), rtol=1e-6)
    assert np.isnan([seen.frp[0], seen.brightness[0], seen.percent[0]]).all()
    assert seen.day[0]
    assert seen.kind[0] == -1


def test_two_rules_are_nominal_and_landsat_is_named(make_oli: MakeScene) -> None:
    scene = make_oli(((70, 70, 1, 1), EMBERS))
    seen = build_table(scene, find_fires(scene)).detections
    assert seen.confidence.tolist() == [Confidence.NOMINAL]
    assert (seen.instrument[0], seen.satellite[0]) == (Instrument.OLI, "L9")


@given(st.sets(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=30))
def test_every_burning_pixel_is_in_one_detection(pixels: set[tuple[int, int]]) -> None:
    burning = sorted(pixels)
    fires = FirePixels(
        grid=GRID,
        row=np.array([r for r, _ in burning], np.int64),
        column=np.array([c for _, c in burning], np.int64),
        votes=np.full(len(burning), 2, np.uint8),
        judged=GRID.width * GRID.height,
    )
    scene = Level1Scene(
        id="made",
        source=Path("made"),
        imager=Imager.MSI,
        satellite="S2A",
        sensed=datetime(2024, 3, 1, tzinfo=UTC),
        sun_elevation=50.0,
        crs=GRID.crs,
        bands={},
    )
    seen = build_table(scene, fires).detections
    squares = {
        (
            (GRID.left + (c + 0.5) * GRID.resolution) // SQUARE_M,
            -(GRID.top - (r + 0.5) * GRID.resolution) // SQUARE_M,
        )
        for r, c in pixels
    }
    assert len(seen) == len(squares)
    assert (seen.scan <= SQUARE_M / 1000 + 1e-6).all()
    for row, column in burning:
        lon, lat = place(row + 0.5, column + 0.5)
        # km a degree at 22.6 degrees north
        near = np.hypot((seen.longitude - lon) * 102.8, (seen.latitude - lat) * 110.7)
        assert near.min() <= SQUARE_M / 1000  # km


def test_a_long_fire_stays_one_event(make_msi: MakeScene, tmp_path: Path) -> None:
    scene = make_msi(((60, 3, 1, 120), FLAME), ((20, 20, 1, 1), FLAME))
    feed = read_fires([folder_of(scene)])
    assert feed.unreadable == ()
    out = tmp_path / "out"
    survey_hotspots(
        HotspotRequest(
            tables=feed.tables,
            notes=feed.notes,
            out=out,
            now=datetime(2024, 3, 1, 12, tzinfo=UTC),
        )
    )
    rows = rows_of(out)
    assert sorted(int(row["detections"]) for row in rows) == [1, 21]
    assert {row["satellites"] for row in rows} == {"S2A"}
    assert {(row["viirs"], row["modis"]) for row in rows} == {("0", "0")}
    assert {(row["frp_max_mw"], row["frp_sum_mw"]) for row in rows} == {("", "")}
    assert {row["confidence"] for row in rows} == {"high"}
    assert {row["last_utc"] for row in rows} == {"2024-03-01T03:05Z"}


def test_an_image_joins_the_event_of_another_satellite(
    burning: Level1Scene, tmp_path: Path
) -> None:
    lon, lat = place(FIRE[0] + 10, FIRE[1])  # 200 m south
    row = viirs_row(longitude=lon, latitude=lat, acq_date="2024-02-29", frp=7)
    firms = tmp_path / "firms.csv"
    firms.write_text(f"{VIIRS_HEAD}\n{row}\n")
    request = HotspotRequest(
        files=(firms,),
        tables=read_fires([folder_of(burning)]).tables,
        out=tmp_path / "out",
        now=datetime(2024, 3, 1, 12, tzinfo=UTC),
    )
    report = survey_hotspots(request).report
    assert (report.detections, report.events) == (2, 1)
    (event,) = rows_of(tmp_path / "out")
    assert (event["viirs"], event["satellites"]) == ("1", "N S2A")
    assert (event["confidence"], event["frp_max_mw"]) == ("high", "7.0")


def test_what_is_written_can_be_read_again(
    burning: Level1Scene, tmp_path: Path
) -> None:
    now = datetime(2024, 3, 1, 12, tzinfo=UTC)
    feed = read_fires([folder_of(burning)])
    first = survey_hotspots(
        HotspotRequest(tables=feed.tables, out=tmp_path / "a", now=now)
    )
    again = tmp_path / "a" / "detections.csv"
    table = read_file(again)
    assert table.refused == ()
    assert table.detections.instrument.tolist() == [Instrument.MSI]
    second = survey_hotspots(
        HotspotRequest(files=(again,), tables=feed.tables, out=tmp_path / "b", now=now)
    )
    assert second.report.detections == 1
    assert len(second.report.repeated) == 1
    assert first.table["id"].tolist() == second.table["id"].tolist()


def test_tiles_that_overlap_give_a_fire_once(
    make_msi: MakeScene, tmp_path: Path
) -> None:
    sensed = datetime(2024, 3, 1, 3, 5, 55, tzinfo=UTC)
    scenes = [
        make_msi((FIRE, FLAME), folder=tmp_path, sensed=sensed + timedelta(seconds=s))
        for s in (0, 14)  # another minute
    ]
    feed = read_fires([folder_of(scene) for scene in scenes])
    report = survey_hotspots(
        HotspotRequest(
            tables=feed.tables,
            out=tmp_path / "out",
            now=datetime(2024, 3, 1, 12, tzinfo=UTC),
        )
    ).report
    assert (report.detections, len(report.repeated)) == (1, 1)


def test_the_next_pass_is_another_time(make_msi: MakeScene, tmp_path: Path) -> None:
    sensed = datetime(2024, 3, 1, 3, 5, 55, tzinfo=UTC)
    days = [sensed, sensed + timedelta(days=5)]
    scenes = [make_msi((FIRE, FLAME), folder=tmp_path, sensed=day) for day in days]
    feed = read_fires([folder_of(scene) for scene in scenes])
    times = [table.detections.time[0] for table in feed.tables]
    assert times[1] - times[0] == np.timedelta64(5, "D")


def test_a_bad_scene_does_not_stop_the_others(
    burning: Level1Scene, make_oli: MakeScene, tmp_path: Path
) -> None:
    good = make_oli((FIRE, FLAME), *QUIET)
    path = Path(burning.bands["B12"].asset.href)
    path.write_bytes(b"II*\0" + path.read_bytes()[4:200])
    feed = read_fires([tmp_path / "gone", folder_of(burning), folder_of(good)])
    assert [table.file for table in feed.tables] == [good.id]
    gone, damaged = feed.unreadable
    assert "gone: no such file or folder" in gone
    assert "_B12.tif: " in damaged
    (note,) = feed.notes
    assert "6 burning pixels, 6 of them by all three rules" in note
    assert "100% of the image judged, 12 % of it cloud as its producer says" in note


def test_a_scene_without_fire_is_an_empty_table(
    make_msi: MakeScene, tmp_path: Path
) -> None:
    scene = make_msi(*QUIET)
    feed = read_fires([folder_of(scene)])
    assert [len(table.detections) for table in feed.tables] == [0]
    report = survey_hotspots(
        HotspotRequest(
            tables=feed.tables,
            notes=feed.notes,
            out=tmp_path / "out",
            now=datetime(2024, 3, 1, 12, tzinfo=UTC),
        )
    ).report
    assert (report.detections, report.events) == (0, 0)
    assert report.notes == feed.notes
    assert rows_of(tmp_path / "out") == []


def test_progress_names_the_scene(burning: Level1Scene) -> None:
    seen: list[tuple[int, int, str]] = []
    read_fires([folder_of(burning)], progress=lambda *at: seen.append(at))
    assert seen[-1] == (126, 126, burning.id)
