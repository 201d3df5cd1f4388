"""The simulated ground: seasons, events and light behave as they should."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.risk import epoch_day
from agroforest.testing import covers
from agroforest.testing.events import EventKind
from agroforest.testing.fields import (
    Sun,
    generator,
    illumination,
    smooth_noise,
    sun_position,
)
from agroforest.testing.landscape import Landscape, build_landscape
from agroforest.testing.places import Cover

END = date(2024, 12, 31)
BAND = {name: n for n, name in enumerate(covers.BANDS)}


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return build_landscape(size=128, start=date(2023, 1, 1), end=END)


def _crswir(spectra: np.ndarray) -> np.ndarray:
    b8a, b11, b12 = (spectra[BAND[b]] for b in ("B8A", "B11", "B12"))
    slope = (1610.4 - 864) / (2185.7 - 864)
    return np.asarray(b11 / (b8a + (b12 - b8a) * slope))


def _ndmi(spectra: np.ndarray) -> np.ndarray:
    b8a, b11 = spectra[BAND["B8A"]], spectra[BAND["B11"]]
    return np.asarray((b8a - b11) / (b8a + b11))


@settings(max_examples=15, deadline=None)
@given(days=st.integers(0, 730))
def test_reflectance_is_reflectance(landscape: Landscape, days: int) -> None:
    spectra = landscape.reflectance(date(2023, 1, 1) + timedelta(days))
    assert spectra.dtype == np.float32
    assert spectra.min() > 0
    assert spectra.max() < 0.7


def test_dieback_raises_crswir_inside_and_nowhere_else(landscape: Landscape) -> None:
    damage = landscape.damages[0]
    assert damage.planted.kind == EventKind.DIEBACK
    before = _crswir(landscape.reflectance(damage.planted.start - timedelta(1)))
    after = _crswir(landscape.reflectance(END))
    reached = np.isfinite(damage.onset)
    rise = after - before
    assert np.median(rise[reached]) > 0.25
    pine = (landscape.cover == Cover.PINE) & ~reached
    pine &= ~np.isfinite(landscape.damages[1].onset)
    assert abs(np.median(rise[pine])) < 0.08


def test_dieback_grows_and_never_heals(landscape: Landscape) -> None:
    damage = landscape.damages[0]
    start = epoch_day(damage.planted.start)
    lost = [damage.severity(start + d).sum() for d in range(-5, 140, 5)]
    assert lost[0] == 0
    assert all(np.diff(lost) >= 0)
    assert 0.02 < lost[6] / lost[-1] < 0.5  # a month after the start: not yet half


def test_events_do_not_overlap_and_lie_in_the_right_cover(landscape: Landscape) -> None:
    reached = [np.isfinite(d.onset) for d in landscape.damages]
    assert np.sum(reached, axis=0).max() == 1
    wanted = {
        EventKind.DIEBACK: Cover.PINE,
        EventKind.CLEAR_CUT: Cover.EUCALYPTUS,
    }
    for damage, inside in zip(landscape.damages, reached, strict=True):
        assert set(landscape.cover[inside]) == {wanted[damage.planted.kind]}
        assert inside.sum() * 0.01 == pytest.approx(damage.planted.area_ha)


def test_drought_is_in_the_cane_and_hardly_in_the_forest(landscape: Landscape) -> None:
    wet, dry = landscape.drought.start, landscape.drought.end
    assert dry is not None
    fall = _ndmi(landscape.reflectance(wet)) - _ndmi(landscape.reflectance(dry))
    untouched = ~np.any([np.isfinite(d.onset) for d in landscape.damages], axis=0)
    cane = np.median(fall[landscape.cover == Cover.SUGARCANE])
    forest = np.isin(landscape.cover, (Cover.PINE, Cover.EUCALYPTUS)) & untouched
    assert cane > 0.10
    assert abs(np.median(fall[forest])) < 0.5 * cane


def test_cane_is_bare_after_harvest_and_green_in_august(landscape: Landscape) -> None:
    cane = landscape.cover == Cover.SUGARCANE

    def ndvi(day: date) -> float:
        spectra = landscape.reflectance(day)
        red, infrared = spectra[BAND["B04"]], spectra[BAND["B8A"]]
        return float(np.median(((infrared - red) / (infrared + red))[cane]))

    assert ndvi(date(2023, 3, 20)) < 0.5
    assert ndvi(date(2023, 8, 20)) > 0.75


def test_sun_stands_where_the_calendar_says() -> None:
    # At true noon the zenith angle is latitude minus declination: +-23.45 degrees
    # at the solstices.
    june = sun_position(date(2023, 6, 21), latitude=40.0, hours_from_noon=0.0)
    december = sun_position(date(2023, 12, 21), latitude=40.0, hours_from_noon=0.0)
    assert june.zenith == pytest.approx(16.55, abs=0.05)
    assert december.zenith == pytest.approx(63.45, abs=0.05)
    assert december.azimuth == pytest.approx(180.0, abs=0.01)
    morning = sun_position(date(2023, 12, 21), latitude=40.0)
    assert morning.azimuth < 180


def test_slopes_toward_the_sun_are_brighter() -> None:
    rows, columns = np.mgrid[0:20, 0:20].astype(np.float32)
    sun = Sun(zenith=45.0, azimuth=180.0)
    south_facing = illumination(-3.0 * rows, resolution=10.0, sun=sun)
    north_facing = illumination(3.0 * rows, resolution=10.0, sun=sun)
    flat = illumination(0.0 * rows, resolution=10.0, sun=sun)
    # tan(slope) = 0.3: (1 +- 0.3) / sqrt(1.09), by hand
    assert south_facing == pytest.approx(1.3 / 1.09**0.5, abs=1e-5)
    assert north_facing == pytest.approx(0.7 / 1.09**0.5, abs=1e-5)
    assert flat == pytest.approx(1.0)
    assert columns.shape == flat.shape


def test_noise_is_correlated_over_its_scale_and_not_beyond() -> None:
    field = smooth_noise(generator(1, 2), (256, 256), scale=8.0)

    def correlation(lag: int) -> float:
        return float(np.corrcoef(field[:, lag:].ravel(), field[:, :-lag].ravel())[0, 1])

    assert correlation(2) > 0.7
    assert abs(correlation(100)) < 0.25
    assert field.std() == pytest.approx(1.0, abs=1e-4)
