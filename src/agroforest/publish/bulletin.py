"""One page a night and county: map, table and notes, as PDF.

The page is set from values, never from markup: whatever a name holds, it is printed
and not obeyed.
"""

import importlib.resources
import json
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.files import replacing
from agroforest.core.review import ENDED, Case, FieldCheck, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.core.units import MU_PER_HA
from agroforest.core.words import hazard_words, review_words
from agroforest.publish.bulletin_map import MARKS, Mark, draw_map, name_point

#: Rows that leave room for everything else on one page, whatever they say.
ROWS = 10
# Widest text of the heading, of a cell's two lines and of a note, in widths of a
# Chinese character: what fits their lines.
_HEADING, _CELL, _NOTE = (20.0, 24.0), (15.0, 9.0), (58.0, 58.0)
_NOTES = 3
_FONT = "Noto Sans CJK SC"
_REMEDY = "install it: pip install 'agroforest[bulletin]'"


@dataclass(frozen=True, kw_only=True, slots=True)
class County:
    """What the bulletin is about.

    Attributes
    ----------
    name
        Chinese and English.
    outline
        WGS 84; empty where no outline is known.
    neighbours
        Outlines around it, for orientation.
    watched
        What the pipelines watch.
    """

    name: tuple[str, str]
    outline: BaseGeometry = field(repr=False)
    neighbours: tuple[BaseGeometry, ...] = field(default=(), repr=False)
    watched: BaseGeometry | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bulletin:
    """What is printed.

    Attributes
    ----------
    county
        Where.
    night
        The night it reports on.
    issued
        When it was made, local time with zone.
    publisher
        Who publishes it, Chinese and English.
    cases
        All cases of the county; the page chooses and counts.
    places
        Chinese and English name by id of a place.
    notes
        What a reader must know of this night, Chinese and English: tiles not seen,
        sources that did not answer.
    simulated
        Whether the images never existed.
    """

    county: County
    night: date
    issued: datetime
    publisher: tuple[str, str]
    cases: Sequence[Case]
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    notes: Sequence[tuple[str, str]] = ()
    simulated: bool = False


def write_bulletin(path: Path, bulletin: Bulletin) -> None:
    """Write the page; the same values give the same bytes.

    Raises
    ------
    ConfigurationError
        The typesetter or a Chinese font is not installed.
    DataError
        The time of issue has no zone.
    """
    content = render_bulletin(bulletin)
    with replacing(path) as scratch:
        scratch.write_bytes(content)


def render_bulletin(bulletin: Bulletin) -> bytes:
    """Set the page; see `write_bulletin`."""
    if bulletin.issued.tzinfo is None:
        raise DataError("bulletin", "its time of issue has no zone", "give it one")
    typst, fonts = _open_typesetter()
    shown = _choose(bulletin.cases)
    marks = [
        Mark(number=number, hazard=case.hazard, geometry=case.geometry)
        for number, case in enumerate(shown, 1)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "map.svg").write_text(
            draw_map(bulletin.county, marks), encoding="utf-8"
        )
        (folder / "data.json").write_text(
            json.dumps(_gather(bulletin, shown), ensure_ascii=False), encoding="utf-8"
        )
        template = importlib.resources.files("agroforest.publish") / "bulletin.typ"
        (folder / "page.typ").write_bytes(template.read_bytes())
        content: bytes = typst.compile(
            str(folder / "page.typ"),
            root=name,
            font_paths=fonts,
            timestamp=int(bulletin.issued.timestamp()),
        )
        return content


def _open_typesetter() -> tuple[Any, Any]:
    try:
        import typst  # noqa: PLC0415  an extra: whoever prints nothing needs none
    except ImportError as error:
        raise ConfigurationError("bulletin", "typst is missing", _REMEDY) from error
    fonts = typst.Fonts()
    if _FONT not in fonts.families():
        raise ConfigurationError(
            "bulletin",
            f"the font {_FONT} is not installed",
            "install it: apt-get install fonts-noto-cjk",
        )
    return typst, fonts


def _choose(cases: Sequence[Case]) -> list[Case]:
    """Choose what is named: what presses most, and of that what was not dismissed."""
    open_ = [
        c for c in cases if c.stage not in ENDED and c.verdict is not Verdict.DISMISSED
    ]
    return sorted(open_, key=lambda c: (-c.rank, c.first_night, c.id))[:ROWS]


def _gather(bulletin: Bulletin, shown: Sequence[Case]) -> dict[str, object]:
    zone = bulletin.issued.tzinfo
    living = [c for c in bulletin.cases if c.stage not in ENDED]
    named = [c for c in living if c.verdict is not Verdict.DISMISSED]
    return {
        "county": _both(bulletin.county.name, _HEADING),
        "publisher": _both(bulletin.publisher, _HEADING),
        "night": bulletin.night.isoformat(),
        "issued": bulletin.issued.strftime("%Y-%m-%d %H:%M"),
        "simulated": bulletin.simulated,
        "figures": _count(bulletin, living),
        "legend": _legend(shown),
        "rows": [
            _row(number, case, bulletin.places, zone)
            for number, case in enumerate(shown, 1)
        ],
        "more": max(0, len(named) - len(shown)),
        "notes": [_both(note, _NOTE) for note in bulletin.notes[:_NOTES]],
        "notes_more": max(0, len(bulletin.notes) - _NOTES),
    }


def _count(bulletin: Bulletin, living: Sequence[Case]) -> list[dict[str, object]]:
    stages = Counter(c.stage for c in living)
    fires = [c for c in living if c.hazard == Hazard.ACTIVE_FIRE and c.waiting]
    new = [c for c in bulletin.cases if c.first_night == bulletin.night]
    waiting = stages[Stage.PRESCREEN] + stages[Stage.VERDICT] + stages[Stage.SUPERVISOR]
    confirmed = [c for c in living if c.verdict is Verdict.CONFIRMED]
    return [
        {"zh": "当夜新增", "en": "new this night", "value": len(new)},
        {"zh": "待处理", "en": "waiting for people", "value": waiting},
        {"zh": "其中疑似火情", "en": "of these suspected fires", "value": len(fires)},
        {"zh": "已属实", "en": "confirmed", "value": len(confirmed)},
    ]


def _legend(shown: Sequence[Case]) -> list[dict[str, object]]:
    seen = {case.hazard for case in shown}
    return [
        {**_both(hazard_words(hazard).name, _HEADING), **MARKS[hazard].plain()}
        for hazard in Hazard
        if hazard in seen
    ]


def _row(
    number: int,
    case: Case,
    places: Mapping[str, tuple[str, str]],
    zone: tzinfo | None,
) -> dict[str, object]:
    named = [places[id_] for id_ in case.places if id_ in places]
    longitude, latitude = name_point(case.geometry)
    due = case.due.astimezone(zone).strftime("%m-%d %H:%M") if case.due else ""
    return {
        "number": number,
        "hazard": _both(hazard_words(case.hazard).name, _HEADING),
        "place": _both(named[0] if named else ("", ""), _CELL),
        # Two decimals are a kilometre: enough to find the page of a map, and coarse
        # enough for a sheet that is passed on.
        "point": f"{longitude:.2f}°E {latitude:.2f}°N",
        "area": f"{case.area_ha:.1f}",
        "mu": f"{case.area_ha * MU_PER_HA:.0f}",
        "since": f"{case.first_night:%m-%d}",
        "evidence": f"{case.evidence:%m-%d}",
        "probability": ""
        if case.probability is None
        else f"{100 * case.probability:.0f} %",
        "stage": _both(_state(case), _HEADING),
        "due": due,
        "check": _check(case.check, zone),
    }


def _state(case: Case) -> tuple[str, str]:
    if case.stage == Stage.DECIDED and case.verdict is not None:
        return review_words(case.verdict)
    return review_words(case.stage)


def _check(check: FieldCheck | None, zone: tzinfo | None) -> dict[str, str]:
    if check is None:
        return {"zh": "", "en": ""}
    if check.done is not None:
        day = f"{check.done.astimezone(zone):%m-%d}"
        return {"zh": f"{day} 已核查", "en": f"checked {day}"}
    if check.due is None:
        return {"zh": "核查中", "en": "being checked"}
    return {"zh": f"{check.due:%m-%d} 前核查", "en": f"check by {check.due:%m-%d}"}


def _both(words: tuple[str, str], room: tuple[float, float]) -> dict[str, str]:
    return {"zh": _clip(words[0], room[0]), "en": _clip(words[1], room[1])}


def _clip(text: str, room: float) -> str:
    """Keep a text on its lines: nothing that turns or breaks them, cut to fit."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    left = room
    for end, char in enumerate(line):
        left -= _width(char)
        if left < 0:
            return f"{line[: max(0, end - 1)]}…"
    return line


def _width(char: str) -> float:
    """Width in widths of a Chinese character, rather too much than too little."""
    if unicodedata.east_asian_width(char) in "WFA":
        return 1.0
    if char in "WM@%mw":
        return 0.95
    return 0.7 if char.isupper() else 0.6
