"""What a night lacks is named scene by scene, with why and the way out."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agroforest.nightly.gaps import GapKind, Known, find_gaps
from agroforest.nightly.report import _GAPS


def make_report(**changes: Any) -> dict[str, Any]:
    return {
        "night": "2024-11-08",
        "tiles": [],
        "baselines": [],
        "unread": [],
        "quarantined": [],
        "uncatalogued": [],
        **changes,
    }


def make_tile(name: str = "t1", **changes: Any) -> dict[str, Any]:
    return {
        "tile": name,
        "error": None,
        "days": [{"day": "2024-11-07", "scenes": ["S2A_1"], "usable": 0.8}],
        "days_without_clear_view": 1,
        "last_clear": "2024-11-07",
        **changes,
    }


def kinds(report: dict[str, Any], known: Known | None = None) -> list[str]:
    return [gap["kind"] for gap in find_gaps(report, known)]


def test_a_whole_night_lacks_nothing() -> None:
    assert find_gaps(make_report(tiles=[make_tile()])) == []


def test_a_scene_that_is_all_cloud_is_named_once_with_its_tiles() -> None:
    dark = [{"day": "2024-11-07", "scenes": ["S2A_1"], "usable": 0.0}]
    tiles = [make_tile("t1", days=dark), make_tile("t2", days=dark), make_tile("t3")]
    (gap,) = find_gaps(make_report(tiles=tiles))
    assert (gap["kind"], gap["scenes"], gap["tiles"]) == (
        "cloud",
        ["S2A_1"],
        ["t1", "t2"],
    )


def test_failed_tiles_come_first_and_keep_their_reason() -> None:
    refused = {"where": "B04.tif", "problem": "is damaged", "remedy": "fetch it again"}
    report = make_report(
        tiles=[make_tile(error="t1: 3 workers died of it", days=[])],
        unread=[{**refused, "where": "B05.tif"}] * 2,  # once for each of its tiles
        quarantined=[refused],
        uncatalogued=[{**refused, "where": "b.zip"}],
        fire={"error": "weather.csv: cannot be read"},
        water={"notes": [{"zh": "无预报", "en": "no forecast"}]},
        set_aside=[
            {"tile": "t9", "night": "2024-11-01", "attempts": 3, "reason": "died"}
        ],
        left_out=[{"tile": "t8", "scenes": ["S2B_2"], "reason": "kwh"}],
    )
    found = find_gaps(report, Known(lacking_feeds=["feeds/*.csv"]))
    assert [gap["kind"] for gap in found] == [
        "failed",
        "set-aside",
        "left-out",
        "fire",
        "unread",
        "refused",
        "uncatalogued",
        "feed",
        "feed",
    ]
    by_kind = {gap["kind"]: gap for gap in found}
    assert by_kind["refused"]["remedy_en"] == "fetch it again"
    assert by_kind["refused"]["scenes"] == ["B04.tif"]
    assert by_kind["left-out"]["scenes"] == ["S2B_2"]
    assert "redrive" in by_kind["set-aside"]["remedy_en"]


def test_tiles_without_scenes_and_without_a_clear_view() -> None:
    known = Known(
        last_taken={
            "t1": date(2024, 11, 1),
            "t2": date(2024, 10, 1),
            "t3": None,
            "t4": None,
        }
    )
    long = make_tile("t4", days_without_clear_view=45, last_clear="2024-09-24")
    found = find_gaps(make_report(tiles=[long]), known)
    assert [(gap["kind"], gap["tiles"]) for gap in found] == [
        ("no-scene", ["t2"]),
        ("no-scene", ["t3"]),
        ("no-view", ["t4"]),
    ]
    assert "38" in found[0]["en"]


def test_many_scenes_are_counted() -> None:
    names = [f"S2_{n:03}" for n in range(80)]
    report = make_report(left_out=[{"tile": "t", "scenes": names, "reason": "budget"}])
    (gap,) = find_gaps(report)
    assert (len(gap["scenes"]), gap["more_scenes"]) == (50, 30)


@given(
    tiles=st.lists(
        st.builds(
            make_tile,
            name=st.sampled_from("abcd"),
            error=st.none() | st.just("lost"),
            days_without_clear_view=st.none() | st.integers(0, 90),
        ),
        max_size=5,
    ),
    rows=st.integers(0, 3),
)
def test_every_gap_has_words_and_a_way_out(tiles: list[Any], rows: int) -> None:
    report = make_report(
        tiles=tiles, fire={"notes": [], "hotspots": {"refused": rows}, "danger": []}
    )
    for gap in find_gaps(report):
        assert gap["kind"] in _GAPS
        for key in ("zh", "en", "remedy_zh", "remedy_en"):
            assert gap[key]


def test_every_kind_has_a_name_on_the_page() -> None:
    assert set(_GAPS) == set(GapKind)
