"""Bulletins: one page a county and night, made when somebody asks for it."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Annotated
from urllib.parse import quote

import shapely
from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.errors import AgroforestError, DataError
from agroforest.core.identity import digest
from agroforest.core.queue import CaseQuery
from agroforest.core.review import ENDED, Case, Stage
from agroforest.desk.learning import read_rows
from agroforest.publish.bulletin import Bulletin, County, write_bulletin
from agroforest.store import Store
from agroforest.web.access import Visit, need
from agroforest.web.pages.layout import Flash, go, render, speech_of
from agroforest.web.pages.map_data import Ground, show
from agroforest.web.pages.runs import keep_report
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.site import Site
from agroforest.web.words import Words

_PATH = "/bulletins"
#: Bulletins of each county that are listed.
_SHOWN = 14
_PORTION = 500
_CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LIVING = tuple(stage for stage in Stage if stage not in ENDED)
#: Counties farther than this from one are not drawn beside it, degrees. Arbitrary.
_BESIDE = 0.5
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
_Make = Annotated[Visit, Depends(need(Right.JUDGE))]


def build_router(nights: Nights, ground: Ground) -> APIRouter:
    """Build the router of bulletins."""
    router = APIRouter(include_in_schema=False)
    setting = Lock()  # one page at a time: it takes a core for a second

    # None is asynchronous: setting a page would stop the loop.
    @router.get(_PATH)
    def show_bulletins(request: Request, visit: _See) -> HTMLResponse:
        """List what there is of each county."""
        return _show(request, visit, nights)

    @router.post(_PATH)
    def make_bulletin(
        request: Request, visit: _Make, county: Annotated[str, Form()] = ""
    ) -> Response:
        """Make the bulletin of a county's newest night."""
        known = {code: (zh, en) for code, zh, en in visit.site.counties()}
        if county not in known:
            raise HTTPException(404)
        night = find_night(nights, visit)
        bulletin = build_bulletin(
            visit.site, nights, ground, code=county, name=known[county], night=night
        )
        try:
            with setting:
                write_bulletin(find_file(nights.work, county, night), bulletin)
        except AgroforestError as error:
            why = f"{error.problem}; {error.remedy}"
            flash = Flash(text=visit.words("bulletins.failed", why=why), kind="bad")
            return _show(request, visit, nights, flash=flash)
        return go(_PATH, said="bulletins.made")

    @router.get(f"{_PATH}/{{code}}/{{night}}.pdf")
    def show_bulletin(visit: _See, code: str, night: date) -> Response:
        """Hand out a bulletin."""
        if code not in {known for known, _, _ in visit.site.counties()}:
            raise HTTPException(404)
        try:
            content = find_file(nights.work, code, night).read_bytes()
        except OSError:
            raise HTTPException(404) from None
        name = f"bulletin_{_name_folder(code)}_{night}.pdf"
        return Response(
            content,
            media_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )

    return router


def find_file(work: Path, code: str, night: date) -> Path:
    """Find where the bulletin of a county and night is kept."""
    return work / "bulletins" / _name_folder(code) / f"{night.isoformat()}.pdf"


def find_night(nights: Nights, visit: Visit) -> date:
    """Find the newest night of any pipeline; today where none has run."""
    newest = (visit.site.store.last_night(name) for name in nights.pipelines)
    return max(filter(None, newest), default=speech_of(visit).today)


def build_bulletin(
    site: Site,
    nights: Nights,
    ground: Ground,
    *,
    code: str,
    name: tuple[str, str],
    night: date,
) -> Bulletin:
    """Gather a county's night.

    The sheet is passed on beyond the desk: outlines are cells of the public grid.
    """
    settings = site.bureau.settings
    cases = tuple(_coarsen(case) for case in _read_cases(site.store, code, night))
    outlines = {county.code: county.geometry for county in site.bureau.counties}
    outline = outlines.pop(code, shapely.Polygon())
    near = [] if outline.is_empty else list(outlines.values())
    return Bulletin(
        county=County(
            name=name,
            outline=outline,
            neighbours=tuple(g for g in near if g.distance(outline) < _BESIDE),
            watched=shapely.union_all(ground.watched) if ground.watched else None,
        ),
        night=night,
        issued=datetime.fromtimestamp(site.now().timestamp(), site.zone),
        publisher=(settings.title_zh, settings.title_en),
        cases=cases,
        places=site.bureau.places,
        notes=tuple(_list_notes(nights, night)),
        simulated=site.simulated,
    )


def _name_folder(code: str) -> str:
    """Name of a county's folder: its code, unless that could lead elsewhere."""
    return code if _CODE.fullmatch(code) else digest("county", code)


def _read_cases(store: Store, code: str, night: date) -> Iterator[Case]:
    """Read what is alive in a county, and what was new this night."""
    queries = (
        CaseQuery(counties=(code,), stages=_LIVING),
        CaseQuery(counties=(code,), stages=tuple(ENDED), since=night, until=night),
    )
    for query in queries:
        rows = read_rows(store, query)
        while ids := [row.id for row in islice(rows, _PORTION)]:
            found = store.desk.cases(ids)
            yield from (found[each] for each in ids if each in found)


def _coarsen(case: Case) -> Case:
    shown = show(case.geometry, exact=False)
    return case.patch(geometry=shapely.Polygon() if shown is None else shown)


def _list_notes(nights: Nights, night: date) -> Iterator[tuple[str, str]]:
    """List what a reader must know of a night, in both languages."""
    for pipeline in nights.pipelines:
        if night not in nights.list_reports(pipeline):
            continue
        try:
            report = nights.read_report(pipeline, night, keep_report)
        except DataError:
            continue
        if report["status"] != "done":
            yield _both("bulletins.partial", pipeline=pipeline)
        if report["refused"]:
            yield _both("bulletins.refused", pipeline=pipeline, n=report["refused"])


def _both(key: str, **values: object) -> tuple[str, str]:
    return Words("zh")(key, **values), Words("en")(key, **values)


def _show(
    request: Request, visit: Visit, nights: Nights, *, flash: Flash | None = None
) -> HTMLResponse:
    speech, night = speech_of(visit), find_night(nights, visit)
    rows = []
    for code, zh, en in visit.site.counties():
        made = _list_made(nights.work, code)
        links = [
            (f"{_PATH}/{quote(code, safe='')}/{n}.pdf", speech.day(n)) for n in made
        ]
        rows.append((code, speech.words.pick((zh, en)) or code, links, night in made))
    return render(
        request,
        visit,
        "bulletins.html",
        flash=flash,
        counties=rows,
        night=speech.day(night),
        may_make=visit.may(Right.JUDGE),
    )


def _list_made(work: Path, code: str) -> list[date]:
    found = []
    for path in (work / "bulletins" / _name_folder(code)).glob("????-??-??.pdf"):
        try:
            found.append(date.fromisoformat(path.stem))
        except ValueError:
            continue  # nothing of ours
    return sorted(found, reverse=True)[:_SHOWN]
