"""Trust in a probe, and its reasons."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.surroundings import Series
from agroforest.sensors.trust import Trust, assess

START = datetime(2024, 5, 1, tzinfo=UTC)
_HOURS = 24 * 20
NOW = (START + timedelta(hours=_HOURS)).timestamp()


def _wave() -> NDArray[np.float64]:
    return 0.25 + 0.05 * np.sin(np.arange(_HOURS) / 24.0)


def _readings(
    values: NDArray[np.float64] | None = None,
    quality: dict[int, Quality] | None = None,
    stop: int = _HOURS,
) -> list[Reading]:
    flags = quality or {}
    numbers = _wave() if values is None else values
    return [
        Reading(
            sensor="s",
            time=START + timedelta(hours=n),
            variable=Variable.SOIL_MOISTURE,
            depth_m=0.1,
            value=float(numbers[n]),
            quality=flags.get(n, Quality.GOOD),
        )
        for n in range(stop)
    ]


def _series(values: NDArray[np.float64]) -> Series:
    time = np.array([(START + timedelta(hours=n)).timestamp() for n in range(_HOURS)])
    return Series(time=time, value=values)


def _text(trust: Trust) -> str:
    return "; ".join(f"{r.zh} {r.en}" for r in trust.reasons)


def test_a_sound_probe_is_trusted_without_reasons() -> None:
    trust = assess(_readings(), now=NOW, neighbours=[_series(_wave() + 0.1)])
    assert trust == Trust(score=1.0)
    assert trust.usable


def test_nothing_and_too_late() -> None:
    assert assess([], now=NOW).score == 0.0
    assert "没有读数" in _text(assess([], now=NOW))
    future = assess(_readings(), now=START.timestamp() - 1)
    assert future.score == 0.0


def test_silence_wears_trust_down() -> None:
    for hours, expected in ((3, 1.0), (24, 0.8), (60, 0.5)):
        trust = assess(_readings(stop=_HOURS - hours + 1), now=NOW)
        assert trust.score == pytest.approx(expected, abs=0.01)
    trust = assess(_readings(stop=_HOURS - 199), now=NOW)
    assert trust.score == 0.0
    assert "已 200 小时没有读数 silent for 200 hours" in _text(trust)
    assert not trust.usable


def test_the_share_of_doubtful_readings() -> None:
    # Of the last 14 days, 336 readings: the newest is at 335 hours before now.
    spikes = dict.fromkeys(range(_HOURS - 336, _HOURS - 336 + 84), Quality.SPIKE)
    trust = assess(_readings(quality=spikes), now=NOW)
    assert trust.score == pytest.approx(1 - 0.25 / 0.8, abs=0.001)
    assert "25% 的读数异常" in _text(trust)
    # A gap speaks of the network, frost is over, and what is older is forgotten.
    mild = {200: Quality.GAP, 201: Quality.FROZEN, 5: Quality.RANGE}
    assert assess(_readings(quality=mild), now=NOW).score == 1.0


@pytest.mark.parametrize(
    ("quality", "score", "words"),
    [
        (Quality.FLAT, 0.39, "最新读数全部异常"),
        (Quality.FROZEN, 0.4, "the soil is frozen"),
        (Quality.BATTERY, 0.6, "电池电量不足"),
        (Quality.RAINLESS, 0.8, "it rises without rain"),
        (Quality.BATTERY | Quality.FLAT, 0.24, "battery"),
    ],
)
def test_the_state_of_the_newest(quality: Quality, score: float, words: str) -> None:
    newest = dict.fromkeys(range(_HOURS - 6, _HOURS), quality)
    trust = assess(_readings(quality=newest), now=NOW)
    assert trust.score == pytest.approx(score, abs=0.01)
    assert words in _text(trust)
    factors = [reason.factor for reason in trust.reasons]
    assert factors == sorted(factors)


def test_neighbours_and_the_satellite() -> None:
    upside_down = _series(0.5 - _wave())
    trust = assess(_readings(), now=NOW, neighbours=[upside_down])
    assert trust.score == pytest.approx(0.3)
    assert "与1 个相邻探头不一致（相关 -1.00）" in _text(trust)
    # The middle one of three decides.
    alike = _series(_wave())
    assert assess(_readings(), now=NOW, neighbours=[upside_down, alike, alike]).usable


def test_the_satellite_sees_the_same_field() -> None:
    time = _series(_wave()).time[::48]
    assert len(time) == 10
    against = Series(time=time, value=-10.0 * _wave()[::48])
    trust = assess(_readings(), now=NOW, wetness=against)
    assert "disagrees with wetness seen by satellite (10 clear dates" in _text(trust)
    assert "与卫星湿度的涨落不一致（10 个晴天" in _text(trust)
    # Alone it halves the trust and leaves the probe in use; with a fault beside it not.
    assert trust.score == 0.5
    assert trust.usable
    empty = dict.fromkeys(range(_HOURS - 6, _HOURS), Quality.BATTERY)
    assert not assess(_readings(quality=empty), now=NOW, wetness=against).usable
    alike = Series(time=time, value=0.3 + 7.0 * _wave()[::48])
    trust = assess(_readings(), now=NOW, wetness=alike)
    assert trust.score == 1.0
    ((zh, en),) = trust.notes
    assert zh.startswith("与卫星湿度一致（10 个晴天，等级相关 ")
    assert en.startswith("agrees with wetness seen by satellite (10 clear dates")


def test_too_few_clear_dates_are_said() -> None:
    time = _series(_wave()).time[::96]
    few = Series(time=time, value=-_wave()[::96])
    trust = assess(_readings(), now=NOW, wetness=few)
    assert trust.score == 1.0
    assert trust.reasons == ()
    ((zh, en),) = trust.notes
    assert zh == "可与卫星湿度比较的晴天仅 5 个（需 8 个），未参评"
    assert "wetness seen by satellite: 5 of the 8 needed, not judged by it" in en
    none = Series(time=np.empty(0), value=np.empty(0))
    assert "仅 0 个" in assess(_readings(), now=NOW, wetness=none).notes[0][0]
    assert assess(_readings(), now=NOW).notes == ()
    flat = Series(time=_series(_wave()).time[::48], value=np.full(10, 0.4))
    assert (
        "neither rose nor fell"
        in assess(_readings(), now=NOW, wetness=flat).notes[0][1]
    )


def test_neighbours_that_cannot_tell() -> None:
    still = _series(np.full(_HOURS, 0.3))
    short = Series(time=still.time[:48], value=1 - _wave()[:48])
    assert assess(_readings(), now=NOW, neighbours=[still, short]).score == 1.0
    # They moved and this probe did not.
    stuck = _readings(np.full(_HOURS, 0.3))
    trust = assess(stuck, now=NOW, neighbours=[_series(_wave())])
    assert trust.score == pytest.approx(0.65)


@given(
    bits=st.lists(st.integers(0, 2047), min_size=60, max_size=60),
    now=st.integers(-100, 1000),
)
def test_more_faults_never_mean_more_trust(bits: list[int], now: int) -> None:
    flags = {_HOURS - 60 + n: Quality(bit) for n, bit in enumerate(bits)}
    moment = NOW + now * 3600.0
    clean = assess(_readings(), now=moment)
    faulty = assess(_readings(quality=flags), now=moment)
    assert 0.0 <= faulty.score <= clean.score <= 1.0
    assert all(r.zh and r.en and 0 <= r.factor <= 1 for r in faulty.reasons)
