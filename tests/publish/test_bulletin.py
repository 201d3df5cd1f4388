"""The bulletin: one page, whatever is on it."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.review import Case, FieldCheck, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.publish import bulletin as module
from agroforest.publish.bulletin import (
    ROWS,
    Bulletin,
    County,
    render_bulletin,
    write_bulletin,
)
from agroforest.publish.bulletin_map import HEIGHT, WIDTH, Mark, draw_map, name_point

NIGHT = date(2024, 5, 2)
ISSUED = datetime(2024, 5, 3, 6, 30, tzinfo=timezone(timedelta(hours=8)))
COUNTY = County(
    name=("兴宁区", "Xingning"),
    outline=box(108.2, 22.7, 108.8, 23.2),
    neighbours=(box(108.8, 22.7, 109.2, 23.2),),
    watched=box(108.4, 22.9, 108.5, 23.0),
)


def _case(number: int, **changes: object) -> Case:
    moment = datetime(2024, 5, 3, tzinfo=UTC)
    spot = Point(108.3 + 0.03 * (number % 15), 22.8 + 0.02 * (number // 15))
    return Case(
        id=f"c{number:03}",
        alert=f"c{number:03}",
        pipeline="p",
        hazard=Hazard.CANOPY_STRESS,
        stage=Stage.VERDICT,
        version=1,
        opened=moment,
        changed=moment,
        geometry=spot.buffer(0.002),
        area_ha=12.0,
        probability=0.8,
        first_night=NIGHT,
        evidence=NIGHT,
        rank=float(number),
    ).patch(**changes)


def _bulletin(cases: list[Case], **changes: object) -> Bulletin:
    fields: dict[str, object] = {
        "county": COUNTY,
        "night": NIGHT,
        "issued": ISSUED,
        "publisher": ("林业局", "Forestry bureau"),
        "cases": cases,
    }
    return Bulletin(**(fields | changes))  # type: ignore[arg-type]


def _pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_the_same_night_gives_the_same_bytes(tmp_path: Path) -> None:
    page = _bulletin([_case(n) for n in range(5)])
    write_bulletin(tmp_path / "a.pdf", page)
    assert (tmp_path / "a.pdf").read_bytes() == render_bulletin(page)
    assert [p.name for p in tmp_path.iterdir()] == ["a.pdf"]


def test_it_names_what_presses_most_and_counts_the_rest() -> None:
    cases = [_case(n) for n in range(ROWS + 3)]
    cases.append(_case(90, stage=Stage.CLOSED))
    cases.append(_case(91, stage=Stage.DECIDED, verdict=Verdict.DISMISSED))
    shown = module._choose(cases)
    assert [c.id for c in shown] == [f"c{n:03}" for n in range(ROWS + 2, 2, -1)]
    values = module._gather(_bulletin(cases), shown)
    assert values["more"] == 3
    assert [f["value"] for f in values["figures"]] == [ROWS + 5, ROWS + 3, 0, 0]  # type: ignore[attr-defined]


def test_times_are_local_and_a_check_says_until_when() -> None:
    due = datetime(2024, 5, 2, 23, 30, tzinfo=UTC)
    check = FieldCheck(by="li", ordered=due, due=date(2024, 5, 6))
    row = module._row(1, _case(1, due=due, check=check), {}, ISSUED.tzinfo)
    assert row["due"] == "05-03 07:30"
    assert row["check"] == {"zh": "05-06 前核查", "en": "check by 05-06"}
    done = FieldCheck(by="li", ordered=due, done=due)
    again = module._row(1, _case(1, check=done), {}, ISSUED.tzinfo)
    assert again["check"] == {"zh": "05-03 已核查", "en": "checked 05-03"}


HOSTILE = '#panic("x") $y$ *b* `z` <script>alert(1)</script> \\u{1} \x00\x1b @all ]]>'


@pytest.mark.parametrize("text", [HOSTILE, "字" * 500, "W" * 500, "", "\u202e反"])
def test_one_page_whatever_the_names_hold(text: str) -> None:
    check = FieldCheck(by="li", ordered=ISSUED, due=NIGHT)
    cases = [
        _case(
            n, places=("a",), hazard=list(Hazard)[n % 3], due=ISSUED if n % 2 else None
        )
        for n in range(ROWS + 5)
    ]
    cases += [_case(50, check=check, places=("a",))]
    page = _bulletin(
        cases,
        county=County(name=(text, text), outline=COUNTY.outline),
        publisher=(text, text),
        places={"a": (text, text)},
        notes=[(text, text)] * 9,
        simulated=True,
    )
    assert _pages(render_bulletin(page)) == 1


@pytest.mark.parametrize(
    "outline",
    [Polygon(), MultiPolygon([box(108, 22, 108.1, 22.1), box(109, 23, 109.1, 23.1)])],
)
def test_a_county_of_any_shape(outline: BaseGeometry) -> None:
    county = County(name=("县", "county"), outline=outline)
    for cases in ([], [_case(1)], [_case(1, geometry=Polygon())]):
        assert _pages(render_bulletin(_bulletin(cases, county=county))) == 1


def test_marks_of_one_place_part_and_stay_on_the_map() -> None:
    marks = [
        Mark(
            number=n,
            hazard=Hazard.ACTIVE_FIRE,
            geometry=box(108.2, 22.7, 108.21, 22.71),
        )
        for n in range(1, ROWS + 1)
    ]
    tree = ElementTree.fromstring(draw_map(COUNTY, marks))  # noqa: S314  our own
    texts = [e for e in tree.iter() if e.tag.endswith("text")]
    spots = np.array([(float(e.attrib["x"]), float(e.attrib["y"])) for e in texts[:-1]])
    assert [e.text for e in texts[:-1]] == [str(n) for n in range(1, ROWS + 1)]
    apart = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, 99)
    assert apart.min() > 26  # two radii
    assert (spots > 0).all()
    assert (spots < [WIDTH, HEIGHT]).all()


@given(
    st.lists(
        st.tuples(st.floats(100, 120), st.floats(18, 30), st.floats(1e-6, 5)),
        max_size=ROWS,
    )
)
def test_any_marks_give_a_picture_of_numbers(
    spots: list[tuple[float, float, float]],
) -> None:
    marks = [
        Mark(number=n, hazard=Hazard.CANOPY_LOSS, geometry=Point(x, y).buffer(size, 2))
        for n, (x, y, size) in enumerate(spots, 1)
    ]
    ground = County(name=("", ""), outline=Polygon())
    text = draw_map(ground, marks)
    assert "nan" not in text
    tree = ElementTree.fromstring(text)  # noqa: S314  our own
    words = [e.text for e in tree.iter() if e.tag.endswith("text")]
    assert words[:-1] == [str(n) for n in range(1, len(marks) + 1)]
    assert re.fullmatch(r"[\d.]+ km", words[-1] or "")


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    text = draw_map(COUNTY, [])
    bar, km = re.search(r"h([\d.]+)v-5.*?>([\d.]+) km", text, re.DOTALL).groups()  # type: ignore[union-attr]
    # The outline spans half a degree from south to north, and fills the height.
    tops = [float(y) for y in re.findall(r"L[\d.]+ ([\d.]+)", text)]
    unit = (HEIGHT - 2 * 26) / (0.5 * 111.32)
    assert min(tops) == pytest.approx(26, abs=1)
    assert float(bar) == pytest.approx(float(km) * unit, rel=0.01)


def test_a_name_stands_inside_its_shape() -> None:
    horseshoe = box(0, 0, 3, 3).difference(box(1, 1, 2, 3))
    assert horseshoe.contains(Point(name_point(horseshoe)))
    assert name_point(Polygon()) == (0.0, 0.0)


def test_a_missing_font_and_zone_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    naive = ISSUED.replace(tzinfo=None)
    with pytest.raises(DataError, match="no zone"):
        render_bulletin(_bulletin([], issued=naive))
    monkeypatch.setattr(module, "_FONT", "No Such Font")
    with pytest.raises(ConfigurationError, match="fonts-noto-cjk"):
        render_bulletin(_bulletin([]))
