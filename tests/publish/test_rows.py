"""Rows of exports: both languages, and no place given away that is not to be."""

from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from tests.publish.cases import OUTLINE, make_case

from agroforest.core.review import Reason, Sampling, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.publish.rows import Manner, describe, summarise, title
from agroforest.publish.table import COLUMNS, SHORT_LENGTH
from agroforest.publish.text import clean, cut_bytes

EXACT = Manner(exact=True)


def test_row_says_it_in_both_languages():
    case = make_case(
        stage=Stage.DECIDED,
        verdict=Verdict.CONFIRMED,
        reason=Reason.SEEN_IN_FIELD,
        sampling=Sampling.SAMPLED,
    )
    values = describe(case, EXACT).values
    assert values["hazard"] == "canopy-loss"
    assert values["hazard_zh"] == "疑似林冠缺失"
    assert values["hazard_en"] == "Suspected canopy loss"
    assert (values["stage_zh"], values["stage_en"]) == ("已定性", "decided")
    assert (values["verdict_zh"], values["verdict_en"]) == ("属实", "confirmed")
    assert values["reason_en"] == "seen in the field"
    assert values["sampling_zh"] == "已取样"
    assert (values["county_zh"], values["county_en"]) == ("武鸣区", "Wuming")
    assert (values["area_ha"], values["area_mu"]) == (2.5, 37.5)


def test_exact_row_keeps_the_place():
    row = describe(make_case(), EXACT)
    assert row.outline.equals(OUTLINE)
    lon, lat = (float(str(row.values[n])) for n in ("longitude", "latitude"))
    assert OUTLINE.contains(shapely.Point(lon, lat))
    assert row.values["places"] == "林班 12"
    assert row.values["note"] == ""


def test_coarse_row_gives_no_place_away():
    row = describe(make_case(sampling=Sampling.SUSPECT), Manner())
    assert row.outline.equals(shapely.box(108.27, 23.15, 108.28, 23.16))
    assert (row.values["longitude"], row.values["latitude"]) == (108.275, 23.155)
    assert row.values["places"] == ""
    assert row.values["sampling"] == ""
    assert "0.01°" in str(row.values["note"])
    assert "粗化" in str(row.values["note"])


def test_cases_of_one_cell_look_alike_but_for_what_they_are():
    here = shapely.box(108.2711, 23.1511, 108.2712, 23.1512)
    there = shapely.box(108.2788, 23.1588, 108.2789, 23.1589)
    one, other = (describe(make_case(geometry=g), Manner()) for g in (here, there))
    assert one == other


def test_simulated_rows_say_so():
    names = frozenset({"p"})
    for manner in (
        Manner(exact=True, simulated=names),
        Manner(simulated=names),
        Manner(simulated=True),
    ):
        row = describe(make_case(), manner)
        assert "模拟" in str(row.values["note"])
        assert "simulated" in str(row.values["note"])
        assert "模拟" in summarise(row)
        real = describe(make_case(pipeline="real"), Manner(simulated=frozenset({"p"})))
        assert "模拟" not in str(real.values["note"])


def test_bad_outline_spoils_its_own_row_only():
    row = describe(make_case(geometry=shapely.box(23, 108, 24, 109)), EXACT)
    assert row.outline.is_empty
    assert row.values["longitude"] is None
    assert "位置不能使用" in str(row.values["note"])


def test_unknown_stays_unknown():
    values = describe(make_case(probability=None), EXACT).values
    assert values["probability"] is None
    assert values["verdict"] == values["verdict_zh"] == ""


def test_times_are_whole_seconds():
    time = datetime(2024, 5, 2, 1, 2, 3, 456789, tzinfo=UTC)
    values = describe(make_case(changed=time), EXACT).values
    assert values["changed"] == time.replace(microsecond=0)


def test_columns_fit_each_format():
    names = [c.name for c in COLUMNS]
    shorts = [c.short for c in COLUMNS]
    assert len(set(names)) == len(names)
    assert len({s.upper() for s in shorts}) == len(shorts)
    assert all(len(s) <= SHORT_LENGTH and s.isascii() for s in shorts)
    assert all(c.zh and c.en for c in COLUMNS)
    assert list(describe(make_case(), EXACT).values) == names


def test_names_tell_cases_apart():
    one, other = (
        title(describe(make_case(name), EXACT)) for name in ("84e20e4b", "e25b766c")
    )
    assert one == "疑似林冠缺失 84e20e"
    assert one != other


@pytest.mark.parametrize("hazard", list(Hazard))
def test_every_hazard_has_words(hazard):
    line = summarise(describe(make_case(hazard=hazard), EXACT))
    assert "37.5 亩" in line
    assert "2.5 ha" in line


@given(st.text())
def test_clean_text_can_be_written_anywhere(text):
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert "\u202e" not in cleaned


def test_clean_text_keeps_what_is_meant():
    assert clean("武鸣区 Wǔmíng (一) <b>&") == "武鸣区 Wǔmíng (一) <b>&"
    assert clean("a\x00b\r\nc\ud800") == "a b c"
    assert clean("𠮷野家 🔥") == "𠮷野家 🔥"


@given(st.text(), st.integers(0, 40))
def test_text_is_cut_between_characters(text, most):
    text = clean(text)
    short = cut_bytes(text, most)
    assert len(short.encode()) <= most
    assert text.startswith(short)
    if short != text:
        assert len(text[: len(short) + 1].encode()) > most
