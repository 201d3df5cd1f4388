"""Nights: what each did, what it lacks, and the pages it left."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.errors import DataError
from agroforest.web.access import RefusedError, Visit, need
from agroforest.web.pages.layout import render, speech_of
from agroforest.web.pages.runs_nights import Json, Nights
from agroforest.web.views import Speech

_PATH = "/runs"
#: Nights of each pipeline that are listed.
_SHOWN = 30
#: A tile without a clear view for longer is a gap, days. Arbitrary.
_BLIND_DAYS = 30
#: A night's own pages bring their script along. They run as nobody's: without our
#: cookies, without asking us or others for anything.
_OWN_POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]


@dataclass(frozen=True, kw_only=True, slots=True)
class NightView:
    """A night in words.

    Attributes
    ----------
    pipeline, night
        Which; ``2024-05-01``.
    day, tiles, alerts, changes, seconds
        As shown.
    status
        End of a key of the words, and for style sheets.
    gaps
        What it lacks.
    has_report, has_map
        Whether its pages are there.
    """

    pipeline: str
    night: str
    day: str
    status: str
    tiles: str = ""
    alerts: str = ""
    changes: str = ""
    seconds: str = ""
    gaps: tuple[str, ...] = ()
    has_report: bool = False
    has_map: bool = False


def build_router(nights: Nights) -> APIRouter:
    """Build the router of nights and of the pages they left."""
    router = APIRouter(include_in_schema=False)

    # None is asynchronous: reading files would stop the loop.
    @router.get(_PATH)
    def show_runs(request: Request, visit: _See) -> HTMLResponse:
        """List the newest nights of each pipeline."""
        speech = speech_of(visit)
        listed = [
            (name, [_view(nights, name, n, speech) for n in found[:_SHOWN]], found[0])
            for name in nights.pipelines
            if (found := nights.list_reports(name))
        ]
        return render(
            request,
            visit,
            "runs.html",
            pipelines=[
                (name, rows, speech.day(last), speech.age(last))
                for name, rows, last in listed
            ],
            exact=visit.may(Right.SEE_EXACT),
        )

    @router.get(f"{_PATH}/{{pipeline}}/{{night}}/{{page}}.html")
    def show_page(visit: _See, pipeline: str, night: date, page: str) -> Response:
        """Serve the report or the map that a night wrote, shut off from the desk."""
        if not visit.may(Right.SEE_EXACT):
            raise RefusedError
        place = nights.place(pipeline)
        if place is None or page not in {"report", "map"}:
            raise HTTPException(404)
        path = place.map(night) if page == "map" else place.report(night, "html")
        try:
            content = path.read_bytes()
        except OSError:
            raise HTTPException(404) from None
        return Response(
            content,
            media_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": _OWN_POLICY},
        )

    return router


def _view(nights: Nights, pipeline: str, night: date, speech: Speech) -> NightView:
    place, written = nights.place(pipeline), night.isoformat()
    if place is None:  # it has just been taken out of the work folder
        raise HTTPException(404)
    try:
        report = nights.read_report(pipeline, night, keep_report)
    except DataError:
        return NightView(
            pipeline=pipeline, night=written, day=speech.day(night), status="damaged"
        )
    status = report["status"]
    watched = report["watched"]
    return NightView(
        pipeline=pipeline,
        night=written,
        day=speech.day(night),
        status=status if status in {"done", "partial", "stopped"} else "unknown",
        tiles=f"{report['tiles']} / {watched}" if watched else "",
        alerts=speech.number(report["alerts"]),
        changes=speech.number(report["changes"]),
        seconds=speech.number(report["seconds"], 1),
        gaps=tuple(_list_gaps(report, speech)),
        has_report=place.report(night, "html").is_file(),
        has_map=place.map(night).is_file(),
    )


def keep_report(report: Json) -> Json:
    """Keep of a report what its row shows."""
    tiles = report["tiles"]
    failed = [t for t in (*tiles, *report["baselines"]) if t["error"]]
    blind = [t for t in tiles if (t["days_without_clear_view"] or 0) > _BLIND_DAYS]
    counts = report["alerts"]
    return {
        "status": report["status"],
        "tiles": len(tiles),
        "watched": report["tiles_watched"],
        "alerts": sum(count["open"] for count in counts.values()),
        "changes": len(report["changes"]),
        "seconds": float(report["seconds"]),
        "failed": len(failed),
        "unread": len(report.get("unread", ())),  # older ones lack it
        "refused": len(report["quarantined"]),
        "blind": len(blind),
        "left_out": len(report.get("left_out", ())),
        "set_aside": len(report.get("set_aside", ())),
        "notes": len(report["notes"]),
    }


def _list_gaps(report: Json, speech: Speech) -> list[str]:
    words, found = speech.words, []
    if report["failed"]:
        found.append(words("runs.gap_tiles", n=report["failed"]))
    if report["left_out"]:
        found.append(words("runs.gap_left_out", n=report["left_out"]))
    if report["set_aside"]:
        found.append(words("runs.gap_set_aside", n=report["set_aside"]))
    if report["unread"]:
        found.append(words("runs.gap_unread", n=report["unread"]))
    if report["refused"]:
        found.append(words("runs.gap_refused", n=report["refused"]))
    if report["blind"]:
        said = words("runs.gap_blind", n=report["blind"], days=_BLIND_DAYS)
        found.append(said)
    if report["notes"]:
        found.append(words("runs.gap_notes"))
    return found
