"""Features: declared order, finite numbers, nothing invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agroforest.core.grid import Grid
from agroforest.core.identity import digest
from agroforest.features import DIGEST, NAMES, Z_CLIP, assemble, build
from agroforest.indices import baseline
from agroforest.indices.season import seasonal_basis

START = 17_000


def test_schema() -> None:
    assert NAMES == (
        "z_B02_clip10",
        "z_B03_clip10",
        "z_B04_clip10",
        "z_B8A_clip10",
        "z_B11_clip10",
        "z_B12_clip10",
        "z_CRSWIR_clip10",
        "seen_B02",
        "seen_B03",
        "seen_B04",
        "seen_B8A",
        "seen_B11",
        "seen_B12",
        "seen_CRSWIR",
        "gap_years_clip2",
        "season_sin",
        "season_cos",
    )
    assert digest("features", NAMES) == DIGEST
    assert digest("features", NAMES[::-1]) != DIGEST


def test_by_hand() -> None:
    z = np.full((4, 7, 1), np.nan)
    z[0] = 99.0  # outside the mask
    z[1, :, 0] = [0, 1, -2, 3, -40, 5, 60]
    z[3, :, 0] = [0.5, np.nan, 0, 0, 0, 0, np.inf]
    mask = np.array([[False], [True], [False], [True]])
    quarter, year = START + 91, 365.2425
    day = np.array([[START], [quarter], [START + 200], [quarter + 73]])
    values = assemble(z, mask, day)[..., 0]
    assert values.dtype == np.float32
    assert values.shape == (4, 17)
    assert not values[[0, 2]].any()
    np.testing.assert_array_equal(values[1, :7], [0, 1, -2, 3, -10, 5, 10])
    np.testing.assert_array_equal(values[1, 7:15], [1, 1, 1, 1, 1, 1, 1, 0])
    np.testing.assert_array_equal(values[3, 7:14], [1, 0, 1, 1, 1, 1, 0])
    assert values[3, 1] == 0
    assert values[3, 14] == pytest.approx(73 / year)
    angle = 2 * np.pi * quarter / year
    assert values[1, 15] == pytest.approx(np.sin(angle), abs=1e-6)
    assert values[1, 16] == pytest.approx(np.cos(angle), abs=1e-6)


@given(
    z=hnp.arrays(np.float64, (5, 7, 3), elements=st.floats(width=32)),
    mask=hnp.arrays(np.bool_, (5, 3)),
)
def test_always_finite_and_bounded(z: np.ndarray, mask: np.ndarray) -> None:
    day = START + np.arange(5)[:, None] * 400 + np.zeros(3, dtype=int)
    values = assemble(z, mask, day)
    assert np.isfinite(values).all()
    assert np.abs(values).max() <= Z_CLIP
    assert not values.swapaxes(1, 2)[~mask].any()


def test_what_is_masked_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    z, mask = rng.normal(size=(6, 7, 4)), rng.random((6, 4)) < 0.5
    day = START + np.arange(6)[:, None] * 10 + np.zeros(4, dtype=int)
    other = np.where(mask[:, None], z, 1e6)
    np.testing.assert_array_equal(
        assemble(z, mask, day), assemble(other, mask, np.where(mask, day, 0))
    )


def state() -> baseline.BaselineState:
    grid = Grid(crs="EPSG:32649", left=0, top=0, resolution=20, width=3, height=2)
    level = np.array([0.02, 0.04, 0.03, 0.30, 0.15, 0.08])
    rng = np.random.default_rng(1)
    forest = np.zeros((2, 3), dtype=bool)

    def take(day: int) -> baseline.Take:
        clean = level * (1 + 0.1 * seasonal_basis(day)[1])
        bands = clean[:, None, None] + rng.normal(size=(6, 2, 3)) * 0.002
        usable = np.ones((2, 3), dtype=bool)
        usable[1, 2] = day > START + 800
        return day, bands.astype(np.float32), usable, f"scene-{day}"

    history = [take(START + 30 * k) for k in range(30)]
    fitted = baseline.fit(history, grid, forest=forest)
    for k in range(4):
        day, bands, usable, scene_id = take(START + 900 + 20 * k)
        bands[4, 0, 1] += 1.0
        fitted = baseline.update(
            fitted,
            day=day,
            bands=bands,
            usable=usable,
            scene_id=scene_id,
            forest=forest,
        )
    return fitted


def test_block_of_a_state() -> None:
    given_state = state()
    night = START + 900 + 45  # after the third of four later dates
    block = build(given_state, night=night)
    rest = baseline.residuals(given_state)
    assert block.values.shape == (16, 17, 6)
    assert block.digest == DIGEST
    assert (np.diff(np.where(block.mask, block.day, 0)[:15, 0]) > 0).all()
    assert block.day.max() == START + 940
    assert not block.mask[15].any()  # newer than the night
    assert block.judged.sum(axis=0).tolist() == [3, 3, 3, 3, 3, 0]
    assert not block.mask[:, 5].any()  # no model there
    np.testing.assert_allclose(
        block.values[14, :7, 1], rest.z[14, :, 0, 1].clip(-10, 10), atol=1e-6
    )
    assert block.values[14, 4, 1] == 10
    assert (np.abs(block.values[:15, :7, 0]) < 6).all()


def test_night_of_yesterday_is_what_yesterday_saw() -> None:
    given_state = state()
    late = build(given_state, night=START + 940)
    later = build(given_state, night=START + 2000)
    shared = late.mask
    np.testing.assert_array_equal(
        late.values.swapaxes(1, 2)[shared], later.values.swapaxes(1, 2)[shared]
    )
    assert later.mask.sum() == shared.sum() + 5
