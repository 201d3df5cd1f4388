"""The data block: every figure on the page, before it is drawn."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import shapely

from agroforest.core.alert import AlertStatus
from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Sensor
from agroforest.core.risk import epoch_day
from agroforest.maps import IndexLayer, MapPage, SensorSeries
from agroforest.maps.layers import build_data


@pytest.fixture(scope="module")
def data(fake_page: MapPage) -> dict[str, Any]:
    return build_data(fake_page)


@pytest.fixture
def small(fake_page: MapPage) -> MapPage:
    """The page without pictures, which take the time."""
    return fake_page.patch(risks=(), indices=())


def test_areas_are_in_hectares_and_mu(small: MapPage) -> None:
    alert = small.alerts[0].patch(area_ha=1.2345)
    (shown,) = build_data(small.patch(alerts=(alert,)))["alerts"]
    assert shown["area"] == {"ha": 1.23, "mu": 18.5}


def test_an_alert_says_what_to_do_and_no_cause(data: dict[str, Any]) -> None:
    stress = next(a for a in data["alerts"] if a["id"].endswith("1"))
    assert stress["says"]["zh"] == "疑似冠层胁迫，请实地核查"
    assert stress["says"]["en"] == "Canopy stress suspected, check in the field"
    assert stress["places"] == [{"zh": "界牌 12 小班", "en": "Jiepai 12"}]


def test_alerts_of_later_nights_are_not_known_yet(small: MapPage) -> None:
    earlier = small.patch(night=date(2025, 5, 31))
    ids = {a["id"][-1] for a in build_data(earlier)["alerts"]}
    assert ids == {"1", "2", "4"}  # 3 was first seen on 9 June
    assert build_data(earlier)["nights"][-1] == "2025-05-31"


def test_layers_of_later_nights_are_left_out(fake_page: MapPage) -> None:
    data = build_data(fake_page.patch(night=date(2025, 5, 31)))
    images = {
        frame["image"]
        for layer in data["layers"]
        for frames in layer["tiles"].values()
        for frame in frames
    }
    assert max(images) == "2025-05-30"


def test_frames_are_in_order_of_nights(data: dict[str, Any]) -> None:
    for layer in data["layers"]:
        for frames in layer["tiles"].values():
            nights = [frame["night"] for frame in frames]
            assert nights == sorted(set(nights))


def test_a_risk_map_grows_old_with_the_nights(fake_page: MapPage) -> None:
    risk = fake_page.risks[0]
    seen = epoch_day(risk.night)
    fresh = risk.patch(evidence=np.where(risk.evidence > 0, seen, 0).astype(np.int32))
    later = [risk.night + timedelta(days=n) for n in (30, 31)]
    page = fake_page.patch(
        risks=(fresh,), indices=(), night=later[-1], nights=tuple(later)
    )
    (layer,) = build_data(page)["layers"]
    made, at_limit, beyond = layer["tiles"][risk.tile]
    assert made["image"] == at_limit["image"] == beyond["image"] == "2025-05-20"
    assert [f["night"] for f in (at_limit, beyond)] == [d.isoformat() for d in later]
    assert made["picture"] == at_limit["picture"] != beyond["picture"]


def test_a_picture_that_repeats_is_kept_once(fake_page: MapPage) -> None:
    layer = fake_page.indices[0]
    twice = [layer, *(layer_on(layer, n) for n in range(1, 4))]
    data = build_data(fake_page.patch(indices=tuple(twice), risks=()))
    (frames,) = data["layers"][0]["tiles"].values()
    assert [f["picture"] for f in frames] == [0, 0, 0, 0]
    assert len(data["pictures"]) == 2  # the layer and its legend


def layer_on(layer: IndexLayer, days: int) -> IndexLayer:
    return replace(layer, night=layer.night + timedelta(days=days))


def test_layers_of_one_name_need_one_scale(fake_page: MapPage) -> None:
    first, second = fake_page.indices[:2]
    with pytest.raises(ValueError, match="'NDMI' have 2 different scales"):
        build_data(fake_page.patch(indices=(first, replace(second, vmax=0.9))))


def test_unknown_colour_map_stops_the_page(fake_page: MapPage) -> None:
    layer = replace(fake_page.indices[0], colormap="rainbow")
    with pytest.raises(ConfigurationError, match="'rainbow' is not known"):
        build_data(fake_page.patch(indices=(layer,)))


def test_legend_states_threshold_unit_and_model(data: dict[str, Any]) -> None:
    risk, index = data["layers"]
    assert risk["legend"]["unit"] == "%"
    assert [t["label"] for t in risk["legend"]["ticks"]] == ["0", "60", "100"]
    assert risk["legend"]["models"] == ["canopy-stress 0.1.0"]
    assert [t["label"] for t in index["legend"]["ticks"]] == ["≤ −0.2", "0.2", "≥ 0.6"]  # noqa: RUF001  a real minus


def test_unnamed_places_and_sensors_without_position(small: MapPage) -> None:
    alert = small.alerts[0].patch(places=("nobody",))
    lost = [
        Sensor(id="a", name="", longitude=float("nan"), latitude=22.0),
        Sensor(id="b", name="", longitude=22.0, latitude=108.0),
        Sensor(id="c", name=""),
    ]
    page = small.patch(
        alerts=(alert,), sensors=tuple(SensorSeries(sensor=s) for s in lost)
    )
    data = build_data(page)
    assert data["alerts"][0]["places"] == [{"zh": "nobody", "en": "nobody"}]
    assert [s["at"] for s in data["sensors"]] == [None, None, None]
    assert [s["state"] for s in data["sensors"]] == ["none", "none", "none"]


def test_simulated_sensors_alone_make_the_page_simulated(small: MapPage) -> None:
    assert build_data(small.patch(simulated=False))["simulated"] is True
    real = small.patch(simulated=False, sensors=())
    assert build_data(real)["simulated"] is False


def test_rule_based_maps_say_so(small: MapPage, fake_page: MapPage) -> None:
    rule = "rule-based: fordead three dates"
    assert build_data(small)["ruleBased"] is False
    assert build_data(small.patch(model=rule))["ruleBased"] is True
    risk = fake_page.risks[0].patch(model=rule)
    assert build_data(small.patch(risks=(risk,)))["ruleBased"] is True


def test_holes_and_parts_are_kept(small: MapPage) -> None:
    pierced = shapely.box(108.0, 22.0, 108.1, 22.1).difference(
        shapely.box(108.04, 22.04, 108.06, 22.06)
    )
    shape = shapely.union_all([pierced, shapely.box(109, 22, 109.05, 22.05)])
    alert = small.alerts[0].patch(geometry=shape)
    (shown,) = build_data(small.patch(alerts=(alert,)))["alerts"]
    whole, holed = sorted(shown["rings"], key=len)
    assert [len(ring) for ring in whole + holed] == [4, 4, 4]  # not closed twice
    assert [22.0, 108.0] in holed[0]  # latitude first
    assert [22.04, 108.04] in holed[1]
    lat, lon = shown["at"]
    assert shape.contains(shapely.Point(lon, lat))


def test_text_that_utf8_cannot_hold_or_a_page_cannot_show(small: MapPage) -> None:
    data = build_data(small.patch(pipeline="a\ud800b", model="x" * 10_000))
    assert data["pipeline"] == "a?b"
    assert len(data["model"]) == 400


def test_records_refuse_what_cannot_be_drawn(fake_page: MapPage) -> None:
    layer = fake_page.indices[0]
    with pytest.raises(ValueError, match=r"values are \(2, 2\)"):
        replace(layer, values=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"vmax 0.1 is not above vmin 0.1"):
        replace(layer, vmin=0.1, vmax=0.1)
    with pytest.raises(ValueError, match="is not finite"):
        replace(layer, vmin=float("nan"))


def test_statuses_reach_the_page(data: dict[str, Any]) -> None:
    assert {a["status"] for a in data["alerts"]} == {
        AlertStatus.OPEN.value,
        AlertStatus.RELEASED.value,
    }
