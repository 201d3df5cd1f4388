"""Charts as numbers, checked against hand-drawn ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.maps.chart import HEIGHT, WIDTH, build_charts, sensor_state

START = datetime(2025, 5, 1, tzinfo=UTC)


def reading(hour: float, value: float | None, **changes: object) -> Reading:
    plain = Reading(
        sensor="s",
        time=START + timedelta(hours=hour),
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        value=value,
    )
    return plain.patch(**changes)


def only_chart(readings: list[Reading]) -> dict[str, Any]:
    (chart,) = build_charts(readings, utc_offset_hours=8)
    return chart


def test_a_line_by_hand() -> None:
    chart = only_chart([reading(0, 0.1), reading(12, 0.2), reading(24, 0.3)])
    # 38 left, 8 right of 280 wide; 8 above, 22 below of 124 high; 0.10 to 0.30.
    assert chart["lines"] == [
        {
            "label": "10 cm",
            "color": "#0072b2",
            "latest": {"value": "0.3", "time": "05-02 08:00"},
            "segments": [[(38.0, 102.0), (155.0, 55.0), (272.0, 8.0)]],
        }
    ]
    assert chart["y"] == [
        {"at": 102.0, "label": "0.1"},
        {"at": 55.0, "label": "0.2"},
        {"at": 8.0, "label": "0.3"},
    ]
    assert [tick["label"] for tick in chart["x"]] == ["05-01", "05-01", "05-02"]
    assert chart["title"] == {"zh": "土壤含水量", "en": "Soil moisture"}
    assert chart["unit"] == "m³/m³"
    assert (chart["doubtful"], chart["missing"], chart["flagged"]) == (0, 0, [])


def test_doubtful_readings_are_kept_but_do_not_move_the_axis() -> None:
    spike = reading(18, 65.5, quality=Quality.RANGE | Quality.SPIKE)
    chart = only_chart([reading(0, 0.1), reading(12, 0.2), spike, reading(24, 0.3)])
    assert chart["flagged"] == [(213.5, 8.0)]  # at the upper edge
    assert chart["doubtful"] == 1
    assert chart["y"][-1]["label"] == "0.3"
    assert (213.5, 8.0) not in chart["lines"][0]["segments"][0]


def test_the_first_reading_after_a_silence_is_trusted_and_starts_a_new_line() -> None:
    hours = [0, 1, 2, 3, 20, 21]
    flags = {20: Quality.GAP}
    chart = only_chart(
        [reading(h, 0.2 + h / 100, quality=flags.get(h, Quality.GOOD)) for h in hours]
    )
    assert [len(s) for s in chart["lines"][0]["segments"]] == [4, 2]
    assert chart["doubtful"] == 0


def test_missing_and_absurd_values_are_counted_not_drawn() -> None:
    bad = [
        reading(1, None, quality=Quality.MISSING),
        reading(2, float("nan")),
        reading(3, float("inf")),
        reading(4, 1e300),
    ]
    chart = only_chart([reading(0, 0.2), *bad])
    assert chart["missing"] == 4
    assert chart["lines"][0]["segments"] == [[(38.0, 55.0)]]


def test_only_bad_readings_still_give_a_chart() -> None:
    chart = only_chart([reading(0, None), reading(1, 0.9, quality=Quality.RANGE)])
    assert chart["lines"][0]["segments"] == []
    assert chart["lines"][0]["latest"] is None
    assert chart["flagged"]


def test_depths_and_variables_are_kept_apart_in_a_fixed_order() -> None:
    readings = [
        reading(0, 3.6, variable=Variable.BATTERY, depth_m=None),
        reading(0, 0.3, depth_m=0.3),
        reading(0, 0.2, depth_m=0.1),
        reading(0, 5.0, variable=Variable.PRECIPITATION, depth_m=None),
    ]
    charts = build_charts(reversed(readings), utc_offset_hours=0)
    assert [c["title"]["en"] for c in charts] == [
        "Soil moisture",
        "Precipitation",
        "Battery",
    ]
    assert [line["label"] for line in charts[0]["lines"]] == ["10 cm", "30 cm"]
    assert [c["kind"] for c in charts] == ["line", "bar", "line"]
    assert charts[1]["y"][0]["label"] == "0"


def test_a_long_series_keeps_its_extremes() -> None:
    values = [0.2] * 5000
    values[1234], values[4321] = 0.05, 0.45
    chart = only_chart([reading(n, v) for n, v in enumerate(values)])
    (points,) = chart["lines"][0]["segments"]
    assert len(points) <= 300
    heights = {y for _, y in points}
    assert {min(heights), max(heights)} <= heights
    assert points == sorted(points)
    ticks = chart["y"]
    assert float(ticks[0]["label"]) <= 0.05
    assert float(ticks[-1]["label"]) >= 0.45


@given(
    st.lists(
        st.floats(allow_nan=True, allow_infinity=True) | st.none(),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_a_device_sends_stays_inside_the_chart(
    values: list[float | None],
) -> None:
    chart = only_chart([reading(n, v) for n, v in enumerate(values)])
    points = [p for line in chart["lines"] for s in line["segments"] for p in s]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert 2 <= len(chart["y"]) <= 7
    assert len({tick["label"] for tick in chart["y"]}) == len(chart["y"])


@pytest.mark.parametrize(
    ("readings", "state"),
    [
        ([], "none"),
        ([reading(1, 0.2), reading(0, None)], "good"),
        ([reading(0, 0.2), reading(1, None)], "doubtful"),
        ([reading(0, 0.2), reading(0, 9.0, depth_m=0.3, quality=Quality.RANGE)],
         "doubtful"),
        ([reading(1, 0.2, quality=Quality.GAP)], "good"),
    ],
)  # fmt: skip
def test_a_sensor_is_as_good_as_its_newest_readings(
    readings: list[Reading], state: str
) -> None:
    assert sensor_state(readings) == state
