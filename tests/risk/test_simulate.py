"""Simulated forests: repeatable, physically sensible, honest about labels."""

from pathlib import Path

import numpy as np
import pytest

from agroforest.indices.season import BANDS
from agroforest.risk.datasets.canopy_stress import build_series, follow
from agroforest.risk.simulate import Emulator, Forest, build_forest
from agroforest.risk.simulate.events import (
    GONE,
    HEALTHY,
    NEVER,
    STRESSED,
    UNCLEAR,
    Events,
    Kind,
    label,
    progress,
)
from agroforest.risk.simulate.spectra import PARAMETERS, SPECTRUM


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator.shipped()


@pytest.fixture(scope="module")
def forests(emulator: Emulator) -> list[Forest]:
    return [build_forest(emulator, seed, pixels=60) for seed in range(8)]


def one(kind: Kind, **changes: float) -> Events:
    plain = {
        "onset": 100.0,
        "share": 1.0,
        "depth": 1.0,
        "fade": 50.0,
        "recover": np.inf,
        "lasting": 200.0,
        "removed": NEVER,
        "slash": 0.5,
        "regrow": 300.0,
    }
    numbers = {k: np.array([v], np.float32) for k, v in {**plain, **changes}.items()}
    return Events(kind=np.array([kind], np.int8), **numbers)


def labels(event: Events, *days: float) -> list[int]:
    return [int(label(event, np.array([d], np.float32))[0]) for d in days]


def test_emulator_repeats_the_table(emulator: Emulator, data_dir: Path) -> None:
    with np.load(data_dir / "prosail_s2_lut.npz") as table:
        x, y = table["X"][::50], table["Y"][::50]
    error = emulator.reflectance(x) - y
    assert np.sqrt(np.mean(error**2)) < 0.003


def test_green_canopy_looks_green(emulator: Emulator) -> None:
    green = [1.6, 50, 10, 0.05, 0.018, 0.008, 5, 50, 0.1, 30, 5, 90, 0.7, 0.4]
    brown = [1.6, 6, 4, 1.2, 0.004, 0.008, 2, 50, 0.1, 30, 5, 90, 0.7, 0.4]
    spectra = emulator.reflectance(np.array([green, brown], dtype=np.float32))
    at = {name: spectra[:, i] for i, name in enumerate(SPECTRUM)}
    ndvi = (at["B08"] - at["B04"]) / (at["B08"] + at["B04"])
    ndmi = (at["B8A"] - at["B11"]) / (at["B8A"] + at["B11"])
    assert ndvi[0] > 0.8
    assert ndvi[1] < 0.7
    assert ndmi[0] > 0.2
    assert ndmi[1] < 0.1
    assert len(PARAMETERS) == len(green)


def test_same_seed_same_forest(emulator: Emulator) -> None:
    first, again, other = (build_forest(emulator, s, pixels=20) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.bands, again.bands)
    np.testing.assert_array_equal(first.label, again.label)
    assert first.day.size != other.day.size or (first.day != other.day).any()


def test_a_satellite_of_fewer_bands_sees_the_same_forest(emulator: Emulator) -> None:
    whole = build_forest(emulator, 7, 40, bands=BANDS)
    fewer = build_forest(emulator, 7, 40, bands=("B04", "B8A"))
    kept = [BANDS.index("B04"), BANDS.index("B8A")]
    np.testing.assert_array_equal(fewer.bands[:, kept], whole.bands[:, kept])
    assert np.isnan(np.delete(fewer.bands, kept, axis=1)).all()
    assert np.isfinite(whole.bands).any(axis=(0, 2, 3)).all()


def test_course_of_a_dieback() -> None:
    event = one(Kind.DIEBACK)
    day = np.array([99, 100, 150, 1000], dtype=np.float32)
    expected = [0, 0, 1 - np.exp(-1), 1 - np.exp(-18)]
    np.testing.assert_allclose(progress(event, day), expected, rtol=1e-5)
    assert labels(event, 50, 104, 150, 600) == [HEALTHY, UNCLEAR, STRESSED, STRESSED]
    salvaged = one(Kind.DIEBACK, removed=400.0)
    assert labels(salvaged, 390, 401, 430) == [STRESSED, STRESSED, GONE]
    assert labels(salvaged, 430 + 2000) == [UNCLEAR]  # long overgrown


def test_small_and_healed_effects() -> None:
    assert labels(one(Kind.CUT, removed=100.0, share=0.9, fade=5.0), 140) == [GONE]
    thinned = one(Kind.THINNING, removed=100.0, share=0.3, fade=5.0)
    assert labels(thinned, 140) == [STRESSED]
    eaten = one(Kind.DEFOLIATION, fade=10.0, recover=40.0, lasting=50.0, share=0.5)
    assert labels(eaten, 130, 250, 500) == [STRESSED, UNCLEAR, HEALTHY]
    assert labels(one(Kind.NONE, onset=NEVER), 0, 10_000) == [HEALTHY, HEALTHY]


def test_forests_are_plausible(forests: list[Forest]) -> None:
    for forest in forests:
        assert (np.diff(forest.day) >= 0).all()
        assert forest.bands.shape == (forest.day.size, 6, 1, 60)
        seen = forest.bands[:, :, 0].transpose(0, 2, 1)[forest.usable[:, 0]]
        assert not np.isnan(seen).all(axis=1).any()
        assert np.nanmin(seen) > 0
        assert np.nanmax(seen) < 1.2
        assert np.isnan(forest.bands[:, 0, 0][~forest.usable[:, 0]]).all()
        untouched = forest.label[:, forest.events.kind == Kind.NONE]
        assert (untouched == HEALTHY).all()
    assert any((f.label == GONE).any() for f in forests)
    present = [np.isfinite(f.bands).any(axis=(0, 2, 3)).tobytes() for f in forests]
    assert len(set(present)) > 1  # some sensors lack bands


def test_damage_shows_in_the_baseline(forests: list[Forest]) -> None:
    """CRSWIR rises and water falls where the simulation says stressed."""
    from agroforest.indices.baseline import residuals  # noqa: PLC0415

    healthy, hurt = [], []
    for forest in forests:
        *_, (_, state) = follow(forest)
        rest = residuals(state)
        excess = rest.value[-1, -1, 0]
        now = forest.label[-1]
        known = np.isfinite(excess) & rest.judged[-1, 0]
        healthy.append(excess[known & (now == HEALTHY)])
        hurt.append(excess[known & np.isin(now, (STRESSED, GONE))])
    assert abs(np.median(np.concatenate(healthy))) < 0.05
    assert np.median(np.concatenate(hurt)) > 0.08


def test_series_are_labelled_where_judged(emulator: Emulator) -> None:
    series = build_series(emulator, range(5, 8), nights=2, pixels=40)
    assert set(np.unique(series.place)) == {5, 6, 7}
    assert series.values.shape[:2] == series.mask.shape == series.target.shape
    asked = series.target != UNCLEAR
    assert series.mask[asked].all()
    assert asked.any(axis=1).all()
    assert set(np.unique(series.target[asked])) <= {HEALTHY, STRESSED, GONE}
    again = build_series(emulator, range(5, 8), nights=2, pixels=40)
    np.testing.assert_array_equal(series.values, again.values)


def test_bands_come_in_the_order_of_the_baseline(emulator: Emulator) -> None:
    forest = build_forest(emulator, 2, pixels=40)
    mean = dict(zip(BANDS, np.nanmean(forest.bands, axis=(0, 2, 3)), strict=True))
    assert mean["B8A"] > mean["B11"] > mean["B12"] > mean["B04"]
