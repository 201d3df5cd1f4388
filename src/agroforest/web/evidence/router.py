"""What a case rests on, over HTTP: a part of its page, and its pictures."""

import base64
import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.errors import AgroforestError
from agroforest.core.reading import Quality
from agroforest.core.review import Case
from agroforest.core.words import variable_words
from agroforest.web.access import Visit, need
from agroforest.web.evidence.chart import HEIGHT, WIDTH
from agroforest.web.evidence.chips import choose_chips, draw_chip
from agroforest.web.evidence.gather import Evidence, Gatherer, NearReading
from agroforest.web.pages.layout import render, speech_of
from agroforest.web.views import Speech
from agroforest.web.words import WORDS, Words

_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
#: ``temperature (°C)`` as the night's maps of weather name their bands.
_BAND = re.compile(r"(\w+)(?: \((.+)\))?")
_CACHE = "private, max-age=3600"


def build_router(gatherer: Gatherer) -> APIRouter:
    """Build the router of the evidence of cases."""
    router = APIRouter(include_in_schema=False)

    # Neither is asynchronous: reading files would stop the loop.
    @router.get("/alerts/{id}/evidence")
    def show_evidence(request: Request, visit: _See, id: str) -> HTMLResponse:  # noqa: A002
        """Show what a case rests on; a part of its page."""
        case = _find(visit, id)
        speech = speech_of(visit)
        evidence = gatherer.gather(case, now=visit.site.now())
        part = "alert_evidence.html" if visit.is_partial else "alert_evidence_page.html"
        return render(
            request,
            visit,
            part,
            case=case,
            short=case.id[:8],
            evidence=evidence,
            say=speech,
            facts=list_facts(evidence, speech),
            weather=_say_weather(evidence, visit.words),
            readings=[_say_reading(r, speech) for r in evidence.readings],
            width=WIDTH,
            height=HEIGHT,
        )

    @router.get("/alerts/{id}/chips/{index}/{day}.svg")
    def show_chip(visit: _See, id: str, index: str, day: date) -> Response:  # noqa: A002
        """Show a picture of the place, with the outline of the case in it."""
        case = _find(visit, id)
        watch = gatherer.watch(case.pipeline)
        if watch is None:
            raise HTTPException(404)
        # Only what the page itself would show: an index and a day are no paths.
        offered = choose_chips(
            watch,
            case.geometry,
            since=gatherer.find_since(case),
            evidence=visit.site.now().date(),
        )
        chip = next((c for c in offered if (c.index, c.day) == (index, day)), None)
        if chip is None:
            raise HTTPException(404)
        try:
            png, outline, side = draw_chip(watch, chip, case.geometry)
        except (FileNotFoundError, AgroforestError):
            raise HTTPException(404) from None
        return Response(
            _frame(png, outline, side),
            media_type="image/svg+xml",
            headers={"Cache-Control": _CACHE},
        )

    return router


def list_facts(evidence: Evidence, speech: Speech) -> list[tuple[str, str]]:
    """List in words what numbers there are."""
    words, season = speech.words, evidence.season
    facts: list[tuple[str, str]] = []
    if season is not None:
        counted = words(
            "evidence.observations_of",
            model=season.model_dates,
            since=season.clear_days,
        )
        facts += [
            (words("evidence.observations"), counted),
            (words("evidence.pixels"), speech.number(season.pixels)),
        ]
        if season.last_clear is not None:
            facts.append((words("evidence.last_clear"), speech.day(season.last_clear)))
    if evidence.smallest_ha is not None:
        facts.append((words("evidence.smallest"), speech.area(evidence.smallest_ha)))
    if evidence.delay is not None:
        delay = evidence.delay
        ends = {name: f"{getattr(delay, name):.0f}" for name in ("days", "low", "high")}
        facts.append((words("evidence.delay"), words("evidence.delay_of", **ends)))
    if season is not None and season.drivers:
        said = [
            words(
                "evidence.drivers_of",
                name=words(f"signal.{name}"),
                share=f"+{speech.percent(share)}",
            )
            for name, share in season.drivers
        ]
        facts.append((words("evidence.drivers"), "，".join(said)))
    return facts + _list_fire(evidence, speech)


def _list_fire(evidence: Evidence, speech: Speech) -> list[tuple[str, str]]:
    if evidence.fire is None:
        return []
    words, event = speech.words, evidence.fire.event
    seen = words(
        "evidence.detections_of",
        count=event.detections,
        looks=event.looks,
        satellites=", ".join(event.satellites),
    )
    facts = [
        (words("evidence.detections"), seen),
        (
            words("evidence.seen"),
            f"{speech.time(event.first)} / {speech.time(event.last)}",
        ),
        (
            words("evidence.gate"),
            words.pick((evidence.fire.gate_zh, evidence.fire.gate_en)),
        ),
    ]
    if event.frp_max_mw is not None:
        facts.append((words("evidence.frp"), f"{event.frp_max_mw:.0f} MW"))
    return facts


def _say_weather(evidence: Evidence, words: Words) -> list[tuple[str, str]]:
    said = []
    for band, value in evidence.weather:
        matched = _BAND.fullmatch(band)
        key = f"weather.{matched[1]}" if matched else ""
        if matched and key in WORDS:
            said.append((words(key), f"{value:.1f} {matched[2] or ''}".strip()))
    return said


def _say_reading(near: NearReading, speech: Speech) -> tuple[str, str, str, str, bool]:
    words, reading = speech.words, near.reading
    name, unit = variable_words(reading.variable)
    what = words.pick(name)
    if reading.depth_m is not None and reading.depth_m > 0:
        what += f" · {words('evidence.depth', cm=f'{100 * reading.depth_m:.0f}')}"
    value = "—" if reading.value is None else f"{reading.value:.4g} {unit}"
    away = words("evidence.away", metres=speech.number(near.metres))
    return (
        near.sensor.name or near.sensor.id,
        f"{what} · {away}",
        value,
        speech.time(reading.time),
        reading.quality != Quality.GOOD,
    )


def _find(visit: Visit, name: str) -> Case:
    case = visit.site.store.desk.case(name)
    if case is None:
        raise HTTPException(404)
    return case


def _frame(png: bytes, outline: str, side: tuple[int, int]) -> str:
    """Picture and outline as one drawing; pixels stay pixels."""
    width, height = side
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="#dddddd"/>'
        f'<image width="{width}" height="{height}" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{data}"/>'
        f'<path d="{outline}" fill="none" stroke="#ffffff" stroke-width="1.8"/>'
        f'<path d="{outline}" fill="none" stroke="#000000" stroke-width="0.7"/></svg>'
    )
