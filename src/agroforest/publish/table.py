"""Columns of exports: names, names short enough for a Shapefile, and what they mean."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

#: Longest name of a column in a Shapefile (dBASE III).
SHORT_LENGTH = 10


class Type(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    DAY = "day"
    TIME = "time"  #: UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of an export.

    Attributes
    ----------
    name
        In every format but the Shapefile.
    short
        In a Shapefile.
    type
        Of its values; a value may be unknown.
    zh, en
        What it holds.
    """

    name: str
    short: str
    type: Type
    zh: str
    en: str


def _words(name: str, short: str, zh: str, en: str) -> tuple[Column, ...]:
    """Columns of a word: as programs spell it, Chinese and English."""
    return (
        Column(name=name, short=short, type=Type.TEXT, zh=f"{zh}（代号）", en=en),
        Column(name=f"{name}_zh", short=f"{short}_zh", type=Type.TEXT, zh=zh, en=en),
        Column(
            name=f"{name}_en",
            short=f"{short}_en",
            type=Type.TEXT,
            zh=f"{zh}（英文）",
            en=f"{en}, English",
        ),
    )


def _text(name: str, short: str, zh: str, en: str) -> Column:
    return Column(name=name, short=short, type=Type.TEXT, zh=zh, en=en)


def _number(name: str, short: str, zh: str, en: str) -> Column:
    return Column(name=name, short=short, type=Type.NUMBER, zh=zh, en=en)


def _day(name: str, short: str, zh: str, en: str) -> Column:
    return Column(name=name, short=short, type=Type.DAY, zh=zh, en=en)


def _time(name: str, short: str, zh: str, en: str) -> Column:
    return Column(name=name, short=short, type=Type.TIME, zh=zh, en=en)


#: In the order in which they are written.
COLUMNS: tuple[Column, ...] = (
    _text("id", "id", "案件编号", "id of the case"),
    _text("alert", "alert", "预警编号", "id of the alert"),
    _text("pipeline", "pipeline", "流程", "pipeline that raised it"),
    *_words("hazard", "hazard", "灾种", "hazard, as a sign seen from space"),
    *_words("stage", "stage", "办理阶段", "stage of the review"),
    *_words("verdict", "verdict", "研判结论", "verdict of a person"),
    *_words("reason", "reason", "结论理由", "reason of the verdict"),
    *_words("sampling", "sample", "取样进度", "samples; empty where coarsened"),
    _number("area_ha", "area_ha", "面积（公顷）", "area, hectares"),
    _number("area_mu", "area_mu", "面积（亩）", "area, mu; 15 to the hectare"),
    _number("probability", "prob", "概率", "probability, 0 to 1"),
    _day("first_night", "first", "首次发现", "night that raised it"),
    _day("evidence", "evidence", "最近有效观测", "newest clear observation"),
    _time("opened", "opened", "立案时间（UTC）", "first step, UTC"),
    _time("changed", "changed", "最近变动（UTC）", "last step, UTC"),
    _text("county_code", "code", "县代码", "code of the county, GB/T 2260 in China"),
    _text("county_zh", "county_zh", "县", "county, Chinese"),
    _text("county_en", "county_en", "县（英文）", "county, English"),
    _text("places", "places", "地块与林班", "parcels; empty where coarsened"),
    _number("longitude", "lon", "经度（WGS 84）", "longitude of a point in it, WGS 84"),
    _number("latitude", "lat", "纬度（WGS 84）", "latitude of a point in it, WGS 84"),
    _text("note", "note", "说明", "what to know about the row"),
)

_ARROW = {
    Type.TEXT: pa.string(),
    Type.NUMBER: pa.float64(),
    Type.DAY: pa.date32(),
    Type.TIME: pa.timestamp("ms", tz="UTC"),
}


def arrow_type(column: Column) -> pa.DataType:
    """Type of a column in Arrow."""
    return _ARROW[column.type]
