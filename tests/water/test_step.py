"""The step: it closes its account, stays in bounds, and knows arrays."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.water.places import COTTON, LAYERS, LOAM, day, weather

from agroforest.core.crop import Crop
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.soil import Soil
from agroforest.water import Coefficient, FieldDay, Method, RootZone, step
from agroforest.water.season import run_season
from agroforest.water.state import ARRAYS

SOILS = {"uniform": LOAM, "layers": LAYERS}
METHODS = st.builds(
    Method,
    coefficient=st.sampled_from(Coefficient),
    runoff=st.booleans(),
    constant_fraction=st.booleans(),
    convex_stress=st.booleans(),
    tall=st.booleans(),
)


def start(
    soil: Soil, *, moisture: float = 0.2, method: Method | None = None
) -> RootZone:
    return RootZone.start(
        (), day=-1, crop=COTTON, soil=soil, moisture=moisture, method=method
    )


@pytest.mark.parametrize("kind", SOILS)
@settings(max_examples=25)
@given(days=weather(), method=METHODS, moisture=st.floats(0.08, 0.4))
def test_every_day_closes_its_account(
    kind: str, days: list[FieldDay], method: Method, moisture: float
) -> None:
    soil = SOILS[kind]
    zone = start(soil, moisture=moisture, method=method)
    for today in days:
        before = zone
        zone, out = step(zone, today, crop=COTTON, soil=soil)
        sinks_in = out.rain - out.runoff + out.irrigation - out.irrigation_loss
        expected = before.depletion - sinks_in + out.eta + out.found + out.drained
        assert abs(zone.depletion - (expected - out.unmet)) < 1e-9
        if soil.layered:
            deep = before.profile - sinks_in + out.eta + out.percolation
            assert abs(zone.profile - (deep - out.unmet_below)) < 1e-9
        else:
            assert out.percolation == out.drained


@pytest.mark.parametrize("kind", SOILS)
@settings(max_examples=25)
@given(days=weather(), method=METHODS, moisture=st.floats(0.0, 0.45))
def test_everything_stays_in_its_bounds(
    kind: str, days: list[FieldDay], method: Method, moisture: float
) -> None:
    soil = SOILS[kind]
    zone = start(soil, moisture=moisture, method=method)
    for one in run_season(zone, days, crop=COTTON, soil=soil):
        zone, out = one.zone, one.out
        assert 0 <= zone.depletion <= out.available + 1e-9
        assert 0 <= out.ks <= 1
        assert 0 <= out.ks_end <= 1
        assert 0 <= out.eta <= out.etc + 1e-9
        assert 0 <= out.runoff <= out.rain
        assert 0 <= zone.skin <= soil.total_evaporable
        assert 0 < zone.wetted <= 1
        assert 0 <= out.cover <= 0.99
        assert COTTON.root_ini <= zone.root <= COTTON.root_max
        assert zone.variance >= 0
        assert min(out.percolation, out.drained, out.unmet) >= 0


@settings(max_examples=40)
@given(
    days=weather(days=1),
    more=st.floats(0.0, 60.0),
    depletion=st.floats(0.0, 42.0),
    runoff=st.booleans(),
)
def test_more_rain_never_leaves_the_soil_drier_that_evening(
    days: list[FieldDay], more: float, depletion: float, *, runoff: bool
) -> None:
    zone = start(LOAM, method=Method(runoff=runoff))
    zone = zone.patch(depletion=np.array(depletion), skin=np.array(4.0))
    # Rain of 3 mm wets the whole surface, which then evaporates more than before: the
    # surface is wet on both sides of the comparison.
    less = day(0, eto=days[0].eto, rain=days[0].rain)
    wetter = day(0, eto=days[0].eto, rain=float(less.rain) + more)
    one, _ = step(zone, less, crop=COTTON, soil=LOAM)
    other, _ = step(zone, wetter, crop=COTTON, soil=LOAM)
    assert other.depletion <= one.depletion + 1e-9


@settings(max_examples=25)
@given(days=weather(), more=st.lists(st.floats(0.0, 20.0), min_size=14, max_size=14))
def test_more_rain_never_leaves_the_season_drier_with_the_single_coefficient(
    days: list[FieldDay], more: list[float]
) -> None:
    # The single coefficient knows no wet surface, and p is held: what is left is that
    # a wetter soil evaporates more, but never more than it has more.
    method = Method(coefficient=Coefficient.SINGLE, constant_fraction=True)
    calm = [
        day(d.day, eto=min(float(np.asarray(d.eto)), 8.0), rain=d.rain) for d in days
    ]
    wet = [
        day(d.day, eto=d.eto, rain=float(np.asarray(d.rain)) + extra)
        for d, extra in zip(calm, more, strict=True)
    ]
    zone = start(LOAM, method=method)
    dry_run = run_season(zone, calm, crop=COTTON, soil=LOAM)
    wet_run = run_season(zone, wet, crop=COTTON, soil=LOAM)
    for one, other in zip(dry_run, wet_run, strict=True):
        assert other.zone.depletion <= one.zone.depletion + 1e-9


@pytest.mark.parametrize("kind", SOILS)
@settings(max_examples=20)
@given(days=st.lists(weather(days=6), min_size=3, max_size=3), method=METHODS)
def test_an_array_of_places_is_each_place_alone(
    kind: str, days: list[list[FieldDay]], method: Method
) -> None:
    # Powers differ in the last digit between one number and many.
    same = partial(np.testing.assert_allclose, rtol=0, atol=1e-9)
    soil = SOILS[kind]
    names = [f for f in FieldDay.__dataclass_fields__ if f != "day"]
    together = [
        FieldDay(
            day=number,
            **{
                name: np.array([float(getattr(p[number], name)) for p in days])
                for name in names
            },
        )
        for number in range(6)
    ]
    zone = RootZone.start(
        (3,), day=-1, crop=COTTON, soil=soil, moisture=0.2, method=method
    )
    many = run_season(zone, together, crop=COTTON, soil=soil)
    for index, alone in enumerate(days):
        single = run_season(start(soil, method=method), alone, crop=COTTON, soil=soil)
        for a, b in zip(many, single, strict=True):
            for name in ARRAYS:
                mine = np.asarray(getattr(a.zone, name))[index]
                same(mine, getattr(b.zone, name), err_msg=name)
            for name in a.out.__dataclass_fields__:
                mine = np.broadcast_to(getattr(a.out, name), (3,))[index]
                same(mine, getattr(b.out, name), err_msg=name)


def test_places_may_differ_in_crop_and_soil() -> None:
    maize = COTTON.patch(kcb_mid=1.15, root_max=1.0, depletion_fraction=0.55)
    crops = Crop.stack([COTTON, maize])
    soils = Soil.uniform(
        field_capacity=np.array([0.28, 0.35]),
        wilting_point=np.array([0.14, 0.20]),
        readily_evaporable=np.array([8.0, 10.0]),
    )
    clay = Soil.uniform(
        field_capacity=0.35, wilting_point=0.20, readily_evaporable=10.0
    )
    days = [day(number, rain=7.0 * (number % 5 == 0)) for number in range(20)]
    zone = RootZone.start((2,), day=-1, crop=crops, soil=soils, moisture=0.22)
    together = run_season(zone, days, crop=crops, soil=soils)[-1].zone.depletion
    for index, (crop, soil) in enumerate([(COTTON, LOAM), (maize, clay)]):
        one = RootZone.start((), day=-1, crop=crop, soil=soil, moisture=0.22)
        alone = run_season(one, days, crop=crop, soil=soil)[-1].zone.depletion
        assert together[index] == alone


def test_a_day_by_hand() -> None:
    # FAO-56 by pencil: bare soil at field capacity but for a dry skin, 20 mm of rain.
    zone = start(LOAM, moisture=0.28)
    after, out = step(zone, day(0, rain=20.0), crop=COTTON, soil=LOAM)
    tew = 1000 * (0.28 - 0.5 * 0.14) * 0.10  # 21 mm, all of it gone in the morning
    assert out.kr == 0
    assert out.ke == 0
    assert out.etc == pytest.approx(0.15 * 5)
    assert after.skin == pytest.approx(tew - 20)
    assert out.percolation == pytest.approx(20 - 0.15 * 5)  # the roots' zone was full
    assert after.depletion == 0
    # The morning after, the skin holds 20 mm and evaporates at the full rate.
    _, out = step(after, day(1), crop=COTTON, soil=LOAM)
    kc_max = 1.2  # 2 m/s and 45 %: no term of climate
    assert out.kr == pytest.approx(1.0)
    assert out.ke == pytest.approx(kc_max - 0.15)
    assert out.etc == pytest.approx(kc_max * 5)


def test_stress_begins_at_the_readily_available_water() -> None:
    method = Method(constant_fraction=True)
    available = 1000 * (0.28 - 0.14) * 0.3
    for share, ks in ((0.60, 1.0), (0.65, 1.0), (0.825, 0.5), (1.0, 0.0)):
        zone = start(LOAM, method=method).patch(depletion=np.array(share * available))
        _, out = step(zone, day(0), crop=COTTON, soil=LOAM)
        assert out.ks == pytest.approx(ks)
        assert out.transpiration == pytest.approx(ks * 0.15 * 5)


def test_the_single_coefficient_stresses_all_of_it() -> None:
    method = Method(coefficient=Coefficient.SINGLE, constant_fraction=True)
    zone = start(LOAM, method=method).patch(depletion=np.array(0.825 * 42.0))
    _, out = step(zone, day(0), crop=COTTON, soil=LOAM)
    assert out.etc == pytest.approx(0.35 * 5)
    assert out.eta == pytest.approx(0.5 * 0.35 * 5)
    assert np.isnan(out.ke)


def test_a_day_without_weather_makes_nothing_up_but_books_irrigation() -> None:
    zone = start(LOAM)
    after, out = step(zone, day(0, eto=np.nan, irrigation=10.0), crop=COTTON, soil=LOAM)
    assert after.depletion == zone.depletion - 10
    assert after.stale == 1
    assert after.variance > zone.variance
    assert np.isnan(out.etc)
    again, _ = step(after, day(1, rain=np.nan), crop=COTTON, soil=LOAM)
    assert again.stale == 2
    assert again.depletion == after.depletion
    fresh, _ = step(again, day(2), crop=COTTON, soil=LOAM)
    assert fresh.stale == 0


def test_roots_in_layers_take_over_the_lack_below_them() -> None:
    wet = start(LAYERS, moisture=0.25)
    dry = start(LAYERS, moisture=0.10)
    grown = []
    for zone in (wet, dry):
        last = run_season(
            zone, [day(n, eto=0.0) for n in range(9)], crop=COTTON, soil=LAYERS
        )[-1]
        assert last.zone.root == pytest.approx(0.9)
        assert last.zone.below == pytest.approx(0.0, abs=1e-9)
        grown.append(float(last.zone.depletion))
    assert grown[1] > grown[0] + 50


def test_what_was_seen_of_the_canopy_goes_on_while_it_grows() -> None:
    zone = start(LOAM)
    days = [day(n) for n in range(6)]
    days[5] = day(5, kcb=0.9, height=0.7, cover=0.5)
    seen = run_season(zone, days, crop=COTTON, soil=LOAM)[-1]
    assert seen.out.kcb == 0.9
    assert seen.zone.height == 0.7
    assert seen.out.cover == 0.5
    after, out = step(seen.zone, day(6), crop=COTTON, soil=LOAM)
    assert out.kcb == pytest.approx(0.9 + (1.20 - 0.15) / 4)
    for number in range(7, 10):  # mid-season: the tables again
        after, out = step(after, day(number), crop=COTTON, soil=LOAM)
    assert out.kcb == 1.20


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rain": -1.0}, "rain is negative"),
        ({"eto": -1.0}, "eto is negative"),
        ({"irrigation": np.nan}, "irrigation is missing"),
        ({"efficiency": 1.1}, "is no share"),
        ({"wetted": 0.0}, "wetted share"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        step(start(LOAM), day(0, **changes), crop=COTTON, soil=LOAM)


@pytest.mark.parametrize("number", [-1, 1, 7])
def test_a_day_that_does_not_follow_is_refused(number: int) -> None:
    with pytest.raises(DataError, match="does not follow"):
        step(start(LOAM), day(number), crop=COTTON, soil=LOAM)


def test_layers_must_reach_the_deepest_roots() -> None:
    with pytest.raises(ConfigurationError, match="roots go to 1500 mm"):
        RootZone.start((), day=0, crop=COTTON.patch(root_max=1.5), soil=LAYERS)


def test_layers_and_moisture_must_agree() -> None:
    with pytest.raises(ConfigurationError, match="2 layers of 3"):
        RootZone.start((), day=0, crop=COTTON, soil=LAYERS, moisture=[0.2, 0.3])


@pytest.mark.parametrize("kind", SOILS)
def test_a_state_that_was_kept_goes_on_as_if_nothing_had_been(kind: str) -> None:
    soil = SOILS[kind]
    zone = start(soil, method=Method(runoff=True, convex_stress=True))
    days = [day(n, rain=9.0 * (n % 4 == 1)) for n in range(12)]
    half = run_season(zone, days[:6], crop=COTTON, soil=soil)[-1].zone
    restored = RootZone.from_saved(half.arrays(), half.attributes())
    whole = run_season(zone, days, crop=COTTON, soil=soil)[-1].zone
    resumed = run_season(restored, days[6:], crop=COTTON, soil=soil)[-1].zone
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(whole, name), getattr(resumed, name))
    assert resumed.method == whole.method


def test_a_state_with_a_hole_is_refused() -> None:
    zone = start(LOAM)
    with pytest.raises(DataError, match="has no 'skin'"):
        RootZone.from_saved(
            {k: v for k, v in zone.arrays().items() if k != "skin"}, zone.attributes()
        )
    with pytest.raises(DataError, match="several shapes"):
        RootZone.from_saved(zone.arrays() | {"skin": np.zeros(3)}, zone.attributes())
