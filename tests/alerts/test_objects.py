from datetime import date, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from agroforest.alerts import drop_rims, find_objects, revisit, step
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.risk import Hazard, RiskMap, epoch_day

NIGHT = date(2024, 5, 1)
GRID = Grid(
    crs="EPSG:32649",
    left=230_000,
    top=2_540_000,
    resolution=10.0,
    width=12,
    height=9,
)
EVERYWHERE = shapely.box(*GRID.bounds)


def risk_map(detected: np.ndarray, night: date = NIGHT, grid: Grid = GRID) -> RiskMap:
    since = epoch_day(night - timedelta(days=20))
    return RiskMap(
        tile="49QCE",
        grid=grid,
        night=night,
        hazard=Hazard.CANOPY_STRESS,
        model="test",
        threshold=0.5,
        probability=np.where(detected, 0.9, 0.1).astype(np.float32),
        evidence=np.full(grid.shape, epoch_day(night - timedelta(days=2)), np.int32),
        since=np.where(detected, since, 0).astype(np.int32),
    )


def test_objects_follow_pixel_edges_and_diagonals_join() -> None:
    detected = np.zeros(GRID.shape, bool)
    detected[1:3, 1:3] = True
    detected[3, 3] = True  # touches by a corner
    detected[7, 10] = True  # alone, too small
    (found,) = find_objects(risk_map(detected), EVERYWHERE, min_pixels=4)
    assert found.area_ha == pytest.approx(0.05)
    assert found.probability == pytest.approx(0.9)
    assert found.since == NIGHT - timedelta(days=20)
    assert found.evidence == NIGHT - timedelta(days=2)
    metric = reproject(found.geometry, WGS84, GRID.crs)
    assert metric.area == pytest.approx(500, rel=1e-6)
    assert metric.bounds == pytest.approx((230_010, 2_539_960, 230_040, 2_539_990))


def test_pixels_of_the_neighbour_tile_are_left_out() -> None:
    detected = np.ones(GRID.shape, bool)
    half = shapely.box(GRID.left, GRID.top - 45, GRID.left + 60, GRID.top)
    (found,) = find_objects(risk_map(detected), half)
    assert found.area_ha == pytest.approx(6 * 4 * 0.01)


def test_where_nothing_is_detected_there_is_no_object() -> None:
    assert find_objects(risk_map(np.zeros(GRID.shape, bool)), EVERYWHERE) == []


@settings(max_examples=60, deadline=None)
@given(arrays(bool, GRID.shape))
def test_objects_keep_every_detected_pixel_once(detected: np.ndarray) -> None:
    found = find_objects(risk_map(detected), EVERYWHERE, min_pixels=1)
    assert sum(o.area_ha for o in found) == pytest.approx(detected.sum() * 0.01)
    inside = np.zeros(GRID.shape, int)
    for item in found:
        inside += GRID.contains(reproject(item.geometry, WGS84, GRID.crs))
    assert np.array_equal(inside, detected.astype(int))


def test_revisit_counts_what_is_left_of_an_alert() -> None:
    before = np.zeros(GRID.shape, bool)
    before[2:4, 2:6] = True
    (seen,) = find_objects(risk_map(before), EVERYWHERE)
    alerts, _ = step([], [seen], [], pipeline="p", night=NIGHT)
    after = before.copy()
    after[2:4, 2:4] = False
    later = NIGHT + timedelta(days=10)
    (word,) = revisit(risk_map(after, later), alerts)
    assert (word.pixels, word.detected) == (8, 0.5)
    assert word.evidence == later - timedelta(days=2)


def test_revisit_passes_over_other_places_and_hazards() -> None:
    before = np.zeros(GRID.shape, bool)
    before[2:4, 2:6] = True
    (seen,) = find_objects(risk_map(before), EVERYWHERE)
    alerts, _ = step([], [seen], [], pipeline="p", night=NIGHT)
    elsewhere = GRID.patch(left=GRID.left + 5_000)
    assert revisit(risk_map(before, grid=elsewhere), alerts) == []
    other = risk_map(before).patch(hazard=Hazard.CANOPY_LOSS)
    assert revisit(other, alerts) == []


def test_unjudged_pixels_are_no_evidence() -> None:
    before = np.zeros(GRID.shape, bool)
    before[2:4, 2:6] = True
    (seen,) = find_objects(risk_map(before), EVERYWHERE)
    alerts, _ = step([], [seen], [], pipeline="p", night=NIGHT)
    blind = risk_map(np.zeros(GRID.shape, bool))
    blind = blind.patch(probability=np.full(GRID.shape, np.nan, np.float32))
    (word,) = revisit(blind, alerts)
    assert word.evidence is None


def test_the_rim_of_a_cut_is_no_stress_but_old_stress_beside_it_is() -> None:
    cut = np.zeros(GRID.shape, bool)
    cut[2:6, 2:6] = True
    rim = np.zeros(GRID.shape, bool)
    rim[2:6, 6] = True
    far = np.zeros(GRID.shape, bool)
    far[2:6, 9] = True
    (loss,) = find_objects(risk_map(cut).patch(hazard=Hazard.CANOPY_LOSS), EVERYWHERE)
    (edge,) = find_objects(risk_map(rim), EVERYWHERE)
    (apart,) = find_objects(risk_map(far), EVERYWHERE)
    older = edge.patch(since=loss.since - timedelta(days=100))
    assert drop_rims([loss, edge, apart], reach_m=15) == [loss, apart]
    assert drop_rims([loss, older], reach_m=15) == [loss, older]
    assert drop_rims([edge, apart], reach_m=15) == [edge, apart]
    wide = np.zeros(GRID.shape, bool)
    wide[2:6, 6:11] = True
    (patch,) = find_objects(risk_map(wide), EVERYWHERE)
    assert drop_rims([loss, patch], reach_m=15) == [loss, patch]
