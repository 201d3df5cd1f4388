"""What messages say, and that they fit."""

import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box
from tests.notify.people import NOW, make_case, make_message, make_settings
from tests.notify.test_plain import HOSTILE

from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    FireFacts,
    Gate,
    HotspotEvent,
)
from agroforest.core.message import Message, News
from agroforest.core.review import FieldCheck, Reason
from agroforest.core.risk import Hazard
from agroforest.notify.facts import RoadPoint, describe_case
from agroforest.notify.plain import count_bytes, count_parts
from agroforest.notify.settings import LINK_LENGTH, ChannelSection, Kind
from agroforest.notify.templates import read_words
from agroforest.notify.words import Text, compose

SETTINGS = make_settings()
MAIL = ChannelSection(kind=Kind.MAIL, url_env="X", sender="desk@example.cn")
SMS = ChannelSection(kind=Kind.SMS, url_env="X", template={"to": "$to"})
WECOM = ChannelSection(kind=Kind.WECOM, url_env="X")
SMALLEST = ChannelSection(kind=Kind.WECOM, url_env="X", limit=320)
LINK = f"https://{'d' * (LINK_LENGTH - 8)}/a/{'t' * 32}"
NAMES = {"p1": ("高峰 12-3 小班", "Gaofeng 12-3"), "p2": ("北田", "North field")}


def say(
    message: Message,
    language: str = "zh",
    *,
    section: ChannelSection = MAIL,
    link: str = LINK,
    **settings: object,
) -> Text:
    return compose(
        message,
        language=language,
        settings=make_settings(**settings) if settings else SETTINGS,
        section=section,
        link=link,
    )


def make_fire() -> FireFacts:
    seen = datetime(2024, 5, 3, 2, 40, tzinfo=UTC)
    event = HotspotEvent(
        id="e1",
        geometry=box(108.32, 22.81, 108.33, 22.82),
        longitude=108.325,
        latitude=22.815,
        kind=EventKind.FIRE,
        confidence=EventConfidence.HIGH,
        sure_viirs=True,
        first=seen,
        last=seen,
        looks=1,
        detections=3,
        township=("甘圩镇", "Ganxu"),
    )
    return FireFacts(
        alert="c1",
        event=event,
        gate=Gate.PASSED,
        gate_zh="",
        gate_en="",
        raised=NOW,
        verify_by=datetime(2024, 5, 3, 5, 0, tzinfo=UTC),
    )


def make_fire_message(**changes: Any) -> Message:
    case = make_case(hazard=Hazard.ACTIVE_FIRE, probability=None, area_ha=14.06)
    road = RoadPoint(
        name_zh="国道 G210", name_en="G210", longitude=108.316, latitude=22.808
    )
    facts = describe_case(case, fire=make_fire(), names=NAMES, road=road)
    return make_message(**{"facts": facts, "urgent": True, **changes})


def test_a_fire_in_chinese() -> None:
    text = say(make_fire_message())
    assert text.subject == "疑似火情 · 武鸣区"
    assert text.body.split("\n") == [
        "请于 2024-05-03 13:00 前到现场核实。",
        "地点：武鸣区、甘圩镇",
        "涉及：高峰 12-3 小班、北田",
        "位置：东经 108.3250，北纬 22.8150（WGS 84）",
        "最近道路点 国道 G210，由该点向东北方 1.2 km",
        "查看范围：14.1 公顷（211 亩），不是过火面积",
        "2024-05-03 10:40 卫星首次看到热点，最近一次 2024-05-03 10:40",
        "卫星看到 3 次，1 次过境，置信度高",
        "卫星只见征象，请到现场核实。",
        f"确认已读：{LINK}",
    ]


def test_a_loss_in_english() -> None:
    facts = describe_case(make_case(), names=NAMES)
    text = say(make_message(facts=facts), "en")
    assert text.subject == "Suspected canopy loss - Wuming"
    assert text.body.split("\n") == [
        "Please check in the field.",
        "Where: Wuming",
        "On: Gaofeng 12-3, North field",
        "At: 108.3250 E, 22.8150 N (WGS 84)",
        "Area: 1.5 ha (22.5 mu)",
        "First seen 2024-05-02, newest clear observation 2024-05-01",
        "How sure: probability 83 %",
        "Seen from space: check in the field.",
        f"I have read it: {LINK}",
    ]


@pytest.mark.parametrize(
    ("ha", "shown"),
    [
        (0.1, "0.10 公顷（1.5 亩）"),
        (1.0, "1.0 公顷（15.0 亩）"),
        (6.67, "6.7 公顷（100 亩）"),
        (1234.5, "1234 公顷（18518 亩）"),
    ],
)
def test_a_hectare_has_fifteen_mu(ha: float, shown: str) -> None:
    facts = describe_case(make_case(area_ha=ha))
    assert f"面积：{shown}" in say(make_message(facts=facts)).body


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("how", ["facts", "settings"])
def test_what_is_simulated_says_so_first(language: str, how: str) -> None:
    facts = describe_case(make_case(), simulated=how == "facts")
    settings: dict[str, Any] = {"simulated": True} if how == "settings" else {}
    mark = {"zh": "【模拟】", "en": "[SIMULATED]"}[language]
    message = make_message(facts=facts)
    for section in (MAIL, SMS, SMALLEST):
        text = say(message, language, section=section, **settings)
        assert text.subject.startswith(mark)


def test_a_task_names_the_day_and_asks_for_samples_but_for_no_cause() -> None:
    check = FieldCheck(
        by="mei", ordered=NOW, due=datetime(2024, 5, 6, tzinfo=UTC).date(), sample=True
    )
    case = make_case(hazard=Hazard.CANOPY_STRESS, check=check)
    message = make_message(news=News.TASK, facts=describe_case(case))
    zh, en = say(message), say(message, "en")
    assert "请于 2024-05-06 前到现场查看" in zh.body
    assert "请取样送检；卫星不能判定病虫种类。" in zh.body
    assert "a satellite cannot tell the cause" in en.body
    assert not {"松材线虫", "wilt", "beetle"} & set((zh.whole + en.whole).split())


def test_a_withdrawal_gives_the_reason_and_who_says_so() -> None:
    facts = describe_case(make_case(reason=Reason.HARVEST))
    text = say(make_message(news=News.CANCELLED, facts=facts))
    assert text.subject == "疑似林冠缺失：已撤销 · 武鸣区"
    assert "理由：采伐或收割" in text.body
    assert "不必前往" in text.body
    assert "由人员研判。" in text.body
    assert "卫星只见征象" not in text.body


def test_without_an_address_of_the_desk_there_is_no_link() -> None:
    assert "确认已读" not in say(make_message(), link="").body


def test_advice_says_what_to_do_in_the_headline() -> None:
    facts = {
        "places": [{"id": "p2", "name": ["北田", "North field"]}],
        "light": "red",
        "advice": ["北田 甘蔗：最迟周五灌水 30 mm", "North field: irrigate"],
        "notices": [["5 月 4 日预报高温热害，38.0 °C", "04 May: heat, 38.0 °C"]],
    }
    text = say(make_message(news=News.ADVICE, facts=facts))
    assert text.subject == "灌溉建议：现在需要灌水 · 北田"
    assert "最迟周五灌水 30 mm" in text.body
    assert "高温热害" in text.body


def test_a_digest_lists_headlines_and_counts_the_rest() -> None:
    items = [
        {
            "news": "raised",
            "facts": describe_case(make_case(county=("1", f"某{n}县", ""))),
        }
        for n in range(200)
    ]
    facts = {"items": items, "count": 5000, "members": []}
    message = make_message(news=News.DIGEST, facts=facts)
    whole = say(message)
    assert whole.subject == "今日汇总 5000 条"
    assert whole.body.count("\n- ") == 199
    assert "另有 4800 条" in whole.body
    assert "- 疑似林冠缺失 · 某7县 · 面积：1.5 公顷（22.5 亩）" in whole.body
    short = say(message, section=WECOM)
    assert count_bytes(short.whole) <= 2048
    kept = short.whole.count("\n- ")
    longest = max(short.whole.split("\n"), key=count_bytes)
    assert count_bytes(short.whole) > 2048 - count_bytes(longest) - 8
    assert f"另有 {5000 - kept} 条" in short.body
    assert short.body.endswith(LINK)
    assert count_parts(say(message, section=SMS).whole) <= 2


# ------------------------------------------------------------------- templates


def test_both_languages_have_the_same_words_with_the_same_gaps() -> None:
    zh, en = read_words("zh"), read_words("en")
    assert find_gaps(zh) == find_gaps(en)
    assert set(map(str, News)) - {"advice", "digest"} <= zh["action"].keys()
    assert set(map(str, News)) == zh["title"].keys()


def find_gaps(words: Any, path: str = "") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in words.items():
        if isinstance(value, dict):
            found |= find_gaps(value, f"{path}{key}.")
        elif isinstance(value, list):
            found[f"{path}{key}"] = {str(len(value))}
        else:
            gaps = {name for _, name, _, _ in string.Formatter().parse(value) if name}
            found[f"{path}{key}"] = gaps
    return found


# ------------------------------------------------------------------ properties

names = st.tuples(st.text(max_size=60) | st.sampled_from(HOSTILE), st.text(max_size=60))
facts = st.fixed_dictionaries(
    {"hazard": st.sampled_from([*map(str, Hazard), "flood", "<b>"])},
    optional={
        "simulated": st.booleans(),
        "county": names.map(list),
        "township": names.map(list),
        "places": st.lists(
            st.fixed_dictionaries({"id": st.text(), "name": names.map(list)}),
            max_size=3,
        ),
        "place_count": st.integers(0, 500),
        "area_ha": st.floats(0, 1e7),
        "probability": st.none() | st.floats(0, 1),
        "verify_by": st.just("2024-05-03T07:00:00+00:00") | st.text(max_size=40),
        "reason": st.none() | st.sampled_from([*map(str, Reason), "x"]),
        "confidence": st.sampled_from(["high", "low", "{0.__class__}"]),
        "road": st.fixed_dictionaries(
            {
                "name": names.map(list),
                "km": st.floats(0, 100),
                "bearing": st.integers(0, 360),
            }
        ),
        "light": st.sampled_from(["red", "grey", "<b>"]),
        "advice": names.map(list),
        "notices": st.lists(names.map(list), max_size=3),
        "check": st.fixed_dictionaries(
            {"due": st.none() | st.just("2024-05-06"), "sample": st.booleans()}
        ),
    },
)


@given(
    facts=facts,
    news=st.sampled_from([each for each in News if each is not News.DIGEST]),
    language=st.sampled_from(["zh", "en", "??"]),
    section=st.sampled_from([SMS, WECOM, SMALLEST]),
)
def test_any_message_fits_and_keeps_disclaimer_and_link(
    facts: dict[str, Any], news: News, language: str, section: ChannelSection
) -> None:
    message = make_message(news=news, facts=facts)
    text = say(message, language, section=section)
    if section.kind is Kind.SMS:
        assert count_parts(text.whole) <= 2
    else:
        assert section.most is not None
        assert count_bytes(text.whole) <= section.most
    whole = say(message, language)
    kept = text.whole.split("\n")
    everything = whole.whole.split("\n")
    # Whole parts or nothing; the headline may lose the place behind it.
    assert set(kept[1:]) <= set(everything[1:])
    assert everything[0].startswith(kept[0])
    disclaimers = read_words(text.language)["disclaimer"].values()
    assert kept[-2] in disclaimers
    assert kept[-1].endswith(LINK)
    marked = facts.get("simulated", False)
    mark = read_words(text.language)["simulated"]
    assert kept[0].startswith(mark) is bool(marked)
    for line in kept[:-1]:
        assert not set(line) & set("<>&@`*#")


def test_parts_are_left_out_in_the_stated_order() -> None:
    message = make_fire_message()
    lines = say(message).whole.split("\n")
    # Of the lines above, the last to go comes last.
    order = [9, 8, 7, 3, 5, 4, 6, 2, 1]
    lengths = range(count_bytes(say(message).whole), 320, -1)
    gone: list[str] = []
    for most in lengths:
        section = ChannelSection(kind=Kind.WECOM, url_env="X", limit=most)
        kept = say(message, section=section).whole.split("\n")
        gone += [line for line in lines if line not in kept and line not in gone]
    expected = [lines[at] for at in order if at < len(lines) - 2]
    assert gone == expected[: len(gone)]
    assert len(gone) > 4
