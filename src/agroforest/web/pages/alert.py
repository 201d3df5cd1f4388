"""One case: what is known, what happened, what its reader may do with it."""

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.queue import CaseQuery, QueueRow
from agroforest.core.review import ENDED, REASONS, Act, Case, Stage, Verdict
from agroforest.review.field_work import find_next
from agroforest.review.life import find_right, list_acts
from agroforest.web.access import Visit, page
from agroforest.web.pages.filters import list_people
from agroforest.web.pages.layout import render, speech_of
from agroforest.web.views_alert import draw_outline, view_facts, view_step

#: How far around a case others are offered for a merge, degrees: some two kilometres.
#: Arbitrary.
_AROUND = 0.02
_MOST_NEARBY = 20
#: Acts whose forms stand open, for they are what the stage waits for.
_FIRST = (Act.PASS, Act.CONFIRM, Act.DISMISS, Act.APPROVE, Act.RETURN)
_ORDER = (
    *_FIRST,
    *(Act.REPORT_CHECK, Act.SAMPLE, Act.ASSIGN, Act.ORDER_CHECK, Act.NOTE),
    *(Act.MERGE, Act.UNMERGE, Act.SPLIT, Act.UNSPLIT, Act.CLOSE, Act.REOPEN),
)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearby:
    """Another case that may be the same.

    Attributes
    ----------
    id, short
        Its id, and the start of it.
    text
        Where and how large it is.
    """

    id: str
    short: str
    text: str


@page(router, "/alerts/{id}", Right.SEE_CASES)
async def show_case(request: Request, visit: Visit) -> HTMLResponse:
    """Show a case."""
    id = request.path_params["id"]  # noqa: A001  of the case
    return await visit.site.lane.run(_show_case, request, visit, id)


def _show_case(request: Request, visit: Visit, id: str) -> HTMLResponse:  # noqa: A002
    desk, speech = visit.site.store.desk, speech_of(visit)
    case = _find(visit, id)
    name_of = visit.site.title_of
    acts, steps = _offer(case, visit), desk.steps(id)
    was_split = any(step.act == Act.SPLIT for step in steps)
    return render(
        request,
        visit,
        "alert.html",
        case=case,
        short=case.id[:8],
        facts=view_facts(case, speech, name_of, visit.site.bureau.places),
        steps=[view_step(s, speech, name_of) for s in reversed(steps)],
        outline=draw_outline(case.geometry, exact=visit.may(Right.SEE_EXACT)),
        has_map=any(entry.path == "/map" for entry in visit.site.nav),
        acts=acts,
        first=_FIRST,
        reasons={
            Act.CONFIRM: REASONS[Verdict.CONFIRMED],
            Act.DISMISS: REASONS[Verdict.DISMISSED],
        },
        people=list_people(visit) if Act.ASSIGN in acts else [],
        sampling=find_next(case),
        nearby=_find_nearby(visit, case) if Act.MERGE in acts else [],
        parts_of=[p.id for p in desk.parts(id)] if was_split else [],
        is_own=_is_own(case, visit),
    )


def _find(visit: Visit, id: str) -> Case:  # noqa: A002
    case = visit.site.store.desk.case(id)
    if case is None:
        raise HTTPException(404)
    return case


def _offer(case: Case, visit: Visit) -> list[Act]:
    """List the acts that the stage, the role and the token's scope allow."""
    allowed = set(list_acts(case, visit.account))
    return [
        a
        for a in _ORDER
        if a in allowed and visit.may(find_right(a, case, visit.account))
    ]


def _is_own(case: Case, visit: Visit) -> bool:
    """Whether the reader could approve, had they not judged themselves."""
    return (
        case.stage == Stage.SUPERVISOR
        and case.judged_by == visit.account.name
        and visit.may(Right.SUPERVISE)
    )


def _find_nearby(visit: Visit, case: Case) -> list[Nearby]:
    """Find cases of the same hazard around this one, the nearest first."""
    west, south, east, north = case.geometry.bounds
    query = CaseQuery(
        stages=tuple(stage for stage in Stage if stage not in ENDED),
        hazards=(case.hazard,),
        box=(west - _AROUND, south - _AROUND, east + _AROUND, north + _AROUND),
        limit=_MOST_NEARBY + 1,
    )
    rows = [r for r in visit.site.store.desk.queue(query).rows if r.id != case.id]
    middle = ((west + east) / 2, (south + north) / 2)

    def distance(row: QueueRow) -> float:
        x, y = (row.box[0] + row.box[2]) / 2, (row.box[1] + row.box[3]) / 2
        return (x - middle[0]) ** 2 + (y - middle[1]) ** 2

    speech = speech_of(visit)
    return [
        Nearby(
            id=row.id,
            short=row.id[:8],
            text=f"{speech.area(row.area_ha)} · {speech.day(row.first_night)} · "
            f"{visit.words.name(row.stage)}",
        )
        for row in sorted(rows, key=distance)[:_MOST_NEARBY]
    ]
