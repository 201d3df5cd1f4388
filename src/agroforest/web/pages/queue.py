"""The queue: which cases wait, for whom, and what presses most."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.errors import DataError
from agroforest.core.review import WAITING, Stage
from agroforest.web.access import Visit, page
from agroforest.web.pages.filters import Filters, list_choices
from agroforest.web.pages.layout import render, speech_of
from agroforest.web.pages.queue_list import show_dialogs, show_rows

_PATH = "/queue"
#: Stages that have a chip, in the order of a case's life.
_CHIPS = (
    *(Stage.PRESCREEN, Stage.VERDICT, Stage.SUPERVISOR),
    *(Stage.DECIDED, Stage.CLOSED),
)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """A stage above the queue, with how many cases it has."""

    name: str
    count: str
    address: str
    is_here: bool


@page(router, _PATH, Right.SEE_CASES)
async def show_queue(request: Request, visit: Visit) -> HTMLResponse:
    """Show a page of the queue."""
    return await visit.site.lane.run(_show_queue, request, visit)


def _show_queue(request: Request, visit: Visit) -> HTMLResponse:
    site, filters = visit.site, Filters.read(request.query_params)
    today = speech_of(visit).today
    try:
        found = site.store.desk.queue(filters.query(today))
    except DataError:  # a cursor of another order, or none at all
        filters = Filters.read({**request.query_params, "after": ""})
        found = site.store.desk.queue(filters.query(today))
    return render(
        request,
        visit,
        "queue.html",
        filters=filters,
        chips=build_chips(visit, filters),
        rows=show_rows(visit, found.rows),
        next=filters.address(after=found.next) if found.next else "",
        first=filters.address() if filters.after else "",
        back=filters.address(after=filters.after),
        options=list_choices(visit, filters),
        dialogs=show_dialogs(visit),
        may_judge=visit.may(Right.JUDGE),
    )


def build_chips(visit: Visit, filters: Filters) -> list[Chip]:
    """Count the cases of each stage, of the hazard that is asked for."""
    words, tally = visit.words, visit.site.tally()
    counts = dict.fromkeys(Stage, 0)
    for (stage, hazard), count in tally.items():
        if filters.hazard in {"", hazard}:
            counts[stage] += count
    say = speech_of(visit).number
    chips = [
        (words("queue.waiting"), "", sum(counts[s] for s in WAITING)),
        *((words.name(stage), str(stage), counts[stage]) for stage in _CHIPS),
        (words("queue.all"), "all", sum(counts.values())),
    ]
    addresses = filters.addresses(stage for _, stage, _ in chips)
    return [
        Chip(name=name, count=say(count), address=where, is_here=filters.stage == stage)
        for (name, stage, count), where in zip(chips, addresses, strict=True)
    ]
