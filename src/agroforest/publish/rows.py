"""Cases as rows that leave the desk: in both languages, places exact or coarse."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from shapely.geometry import MultiPolygon

from agroforest.core.errors import DataError
from agroforest.core.review import Case
from agroforest.core.units import MU_PER_HA
from agroforest.core.words import hazard_words, review_words
from agroforest.publish.place import coarsen, coarsen_point, find_point, norm_outline
from agroforest.publish.simulated import Simulated, is_simulated
from agroforest.publish.table import COLUMNS
from agroforest.publish.text import clean

#: A cell: text, a number, a day, a time in UTC, or unknown.
Value = str | float | date | datetime | None

_COARSE = ("坐标已粗化到 0.01°", "coordinates coarsened to 0.01°")
_SIMULATED = ("模拟数据", "simulated")
_NOWHERE = ("位置不能使用", "its outline cannot be used")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How cases are shown.

    Attributes
    ----------
    exact
        Outlines and coordinates as they are, with parcels and samples; otherwise
        outlines are cells of 0.01° that cover them, and points centres of such cells.
    simulated
        Of which pipelines nothing has happened; each row of theirs says so.
    """

    exact: bool = False
    simulated: Simulated = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One case as it is written.

    Attributes
    ----------
    values
        By name of `agroforest.publish.table.COLUMNS`, all of them and in that order.
    outline
        WGS 84, longitude first; empty where there is none.
    """

    values: Mapping[str, Value]
    outline: MultiPolygon = field(repr=False)


def build_rows(cases: Iterable[Case], manner: Manner) -> Iterator[Row]:
    """Describe cases, one after another; nothing of the earlier ones is kept."""
    for case in cases:
        yield describe(case, manner)


def describe(case: Case, manner: Manner) -> Row:
    """Describe a case.

    An outline that cannot be used leaves the row without one, and the note says so:
    one bad case spoils no export.
    """
    unreal = is_simulated(manner.simulated, case.pipeline)
    remarks = [_SIMULATED] if unreal else []
    if not manner.exact:
        remarks.append(_COARSE)
    try:
        outline = norm_outline(case.geometry, f"case {case.id}")
    except DataError:
        outline = MultiPolygon()
        remarks.append(_NOWHERE)
    longitude, latitude = _locate(outline, manner)
    if not manner.exact and not outline.is_empty:
        outline = coarsen(outline)
    shown: dict[str, Value] = {
        "id": clean(case.id),
        "alert": clean(case.alert),
        "pipeline": clean(case.pipeline),
        **_spell("hazard", case.hazard, hazard_words(case.hazard).name),
        **_spell_review("stage", case.stage),
        **_spell_review("verdict", case.verdict),
        **_spell_review("reason", case.reason),
        **_spell_review("sampling", case.sampling if manner.exact else None),
        "area_ha": round(case.area_ha, 3),
        "area_mu": round(case.area_ha * MU_PER_HA, 2),
        "probability": None if case.probability is None else round(case.probability, 3),
        "first_night": case.first_night,
        "evidence": case.evidence,
        "opened": _whole(case.opened),
        "changed": _whole(case.changed),
        "county_code": clean(case.county[0]),
        "county_zh": clean(case.county[1]),
        "county_en": clean(case.county[2]),
        "places": clean("；".join(case.places)) if manner.exact else "",
        "longitude": longitude,
        "latitude": latitude,
        "note": _join(remarks),
    }
    return Row(values={c.name: shown[c.name] for c in COLUMNS}, outline=outline)


def spell(value: Value) -> str:
    """Spell a cell; empty if unknown, times as ISO 8601 with ``Z``."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.isoformat()[:19]}Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def title(row: Row) -> str:
    """Name a case on a map or a device, short and unlike others: hazard and id."""
    return f"{row.values['hazard_zh']} {str(row.values['id'])[:6]}"


def summarise(row: Row) -> str:
    """Describe a case in one line, Chinese and English."""
    values = row.values
    area = f"{values['area_ha']} 公顷（{values['area_mu']} 亩）"
    zh = "，".join(
        str(part)
        for part in (values["county_zh"], area, f"首次发现 {values['first_night']}")
        if part
    )
    en = ", ".join(
        str(part)
        for part in (
            values["hazard_en"],
            values["county_en"],
            f"{values['area_ha']} ha",
            f"first seen {values['first_night']}",
        )
        if part
    )
    verdict = values["verdict_zh"] and f"；{values['verdict_zh']}"
    verdict_en = values["verdict_en"] and f"; {values['verdict_en']}"
    note = values["note"] and f" [{values['note']}]"
    return f"{values['hazard_zh']}：{zh}{verdict}. {en}{verdict_en}{note}"


def _locate(outline: MultiPolygon, manner: Manner) -> tuple[float | None, float | None]:
    if outline.is_empty:
        return None, None
    point = find_point(outline)
    return point if manner.exact else coarsen_point(*point)


def _spell(name: str, word: StrEnum, words: tuple[str, str]) -> dict[str, Value]:
    return {name: str(word), f"{name}_zh": words[0], f"{name}_en": words[1]}


def _spell_review(name: str, word: StrEnum | None) -> dict[str, Value]:
    if word is None:
        return {name: "", f"{name}_zh": "", f"{name}_en": ""}
    return _spell(name, word, review_words(word))


def _whole(time: datetime) -> datetime:
    """Round to seconds, UTC: no format keeps more than all the others can."""
    return time.astimezone(UTC).replace(microsecond=0)


def _join(remarks: list[tuple[str, str]]) -> str:
    zh, en = "；".join(zh for zh, _ in remarks), "; ".join(en for _, en in remarks)
    return f"{zh} · {en}" if zh else ""
