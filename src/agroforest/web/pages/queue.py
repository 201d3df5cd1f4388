"""The queue: which cases wait, for whom, and what presses most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from agroforest.core.account import Right, Role
from agroforest.core.errors import DataError
from agroforest.core.queue import CaseQuery, Order, QueueRow
from agroforest.core.review import REASONS, WAITING, Case, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.web.access import Visit, need
from agroforest.web.pages.layout import (
    address,
    compile_templates,
    render,
    speech_of,
)
from agroforest.web.views import RowView, view_row

_PATH = "/queue"
_PAGE = 50
#: Rendered rows that are kept, about a kilobyte each. Arbitrary.
_ROWS_KEPT = 5_000
#: Stages that have a chip, in the order of a case's life.
_CHIPS = (
    *(Stage.PRESCREEN, Stage.VERDICT, Stage.SUPERVISOR),
    *(Stage.DECIDED, Stage.CLOSED),
)
_OFFERED = {
    "confirm": REASONS[Verdict.CONFIRMED],
    "dismiss": REASONS[Verdict.DISMISSED],
}
_MOST_DAYS = 9999
_Word = TypeVar("_Word", bound=StrEnum)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What a visitor asks the queue for, as the form and addresses write it.

    Attributes
    ----------
    stage
        A stage, ``all``, or nothing for those that wait.
    hazard, county, assignee, order
        As in `CaseQuery`; nothing for all.
    days
        First seen within so many.
    confidence
        Percent, at least.
    least_ha, most_ha
        Hectares.
    after
        Cursor.
    """

    stage: str = ""
    hazard: str = ""
    county: str = ""
    assignee: str = ""
    order: str = str(Order.RANK)
    days: str = ""
    confidence: str = ""
    least_ha: str = ""
    most_ha: str = ""
    after: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "Filters":
        """Read them from an address; what cannot be is left out."""
        stages = {"all", *Stage}
        days = _number(asked.get("days"), most=_MOST_DAYS)
        return cls(
            stage=stage if (stage := asked.get("stage", "")) in stages else "",
            hazard=_word(Hazard, asked.get("hazard")),
            county=asked.get("county", "")[:32],
            assignee=asked.get("assignee", "")[:128],
            order=_word(Order, asked.get("order")) or str(Order.RANK),
            days=days.split(".")[0],
            confidence=_number(asked.get("confidence"), most=100),
            least_ha=_number(asked.get("least_ha"), most=1e9),
            most_ha=_number(asked.get("most_ha"), most=1e9),
            after=asked.get("after", "")[:500],
        )

    @property
    def count(self) -> int:
        """How many of the form's filters are set; the order is none of them."""
        return sum(bool(value) for value in self._narrowing().values())

    @property
    def is_set(self) -> bool:
        """Whether any is."""
        return self.count > 0

    def address(self, **changes: str) -> str:
        """Address of the queue with these filters, some of them changed."""
        order = "" if self.order == Order.RANK else self.order
        asked = {"stage": self.stage, **self._narrowing(), "order": order}
        return address(_PATH, **(asked | changes))

    def query(self, today: date) -> CaseQuery:
        """Write them as the store wants them."""
        stages: tuple[Stage, ...] = tuple(s for s in Stage if s in WAITING)
        if self.stage:
            stages = () if self.stage == "all" else (Stage(self.stage),)
        return CaseQuery(
            stages=stages,
            hazards=(Hazard(self.hazard),) if self.hazard else (),
            counties=(self.county,) if self.county else (),
            assignee=self.assignee,
            least_ha=float(self.least_ha) if self.least_ha else None,
            most_ha=float(self.most_ha) if self.most_ha else None,
            least_probability=float(self.confidence) / 100 if self.confidence else None,
            since=today - timedelta(days=int(self.days)) if self.days else None,
            order=Order(self.order),
            after=self.after,
            limit=_PAGE,
        )

    def _narrowing(self) -> dict[str, str]:
        return {
            "hazard": self.hazard,
            "county": self.county,
            "assignee": self.assignee,
            "days": self.days,
            "confidence": self.confidence,
            "least_ha": self.least_ha,
            "most_ha": self.most_ha,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """A stage above the queue, with how many cases it has."""

    name: str
    count: str
    address: str
    is_here: bool


# Not asynchronous: FastAPI then runs it beside the loop, which a query would stop.
@router.get(_PATH)
def show_queue(
    request: Request, visit: Annotated[Visit, Depends(need(Right.SEE_CASES))]
) -> HTMLResponse:
    """Show a page of the queue."""
    site, filters = visit.site, Filters.read(request.query_params)
    today = speech_of(visit).today
    try:
        page = site.store.desk.queue(filters.query(today))
    except DataError:  # a cursor of another order, or none at all
        filters = Filters.read({**request.query_params, "after": ""})
        page = site.store.desk.queue(filters.query(today))
    return render(
        request,
        visit,
        "queue.html",
        filters=filters,
        chips=build_chips(visit, filters),
        rows=[show_row(visit, row) for row in page.rows],
        next=filters.address(after=page.next) if page.next else "",
        first=filters.address() if filters.after else "",
        back=filters.address(after=filters.after),
        hazards=tuple(Hazard),
        orders=tuple(map(str, Order)),
        counties=site.counties(),
        people=list_people(visit),
        may_judge=visit.may(Right.JUDGE),
        offered=_OFFERED,
    )


def build_chips(visit: Visit, filters: Filters) -> list[Chip]:
    """Count the cases of each stage, of the hazard that is asked for."""
    words, tally = visit.words, visit.site.tally()
    counts = dict.fromkeys(Stage, 0)
    for (stage, hazard), count in tally.items():
        if filters.hazard in {"", hazard}:
            counts[stage] += count
    say = speech_of(visit).number

    def chip(name: str, stage: str, count: int) -> Chip:
        return Chip(
            name=name,
            count=say(count),
            address=filters.address(stage=stage),
            is_here=filters.stage == stage,
        )

    return [
        chip(words("queue.waiting"), "", sum(counts[s] for s in WAITING)),
        *(chip(words.name(stage), str(stage), counts[stage]) for stage in _CHIPS),
        chip(words("queue.all"), "all", sum(counts.values())),
    ]


def show_row(visit: Visit, row: QueueRow | Case) -> Markup:
    """Put a row into words."""
    assignee = visit.site.title_of(row.assignee) if row.assignee else ""
    may_judge = visit.may(Right.JUDGE)
    return render_row(
        view_row(row, speech_of(visit), assignee=assignee, may_judge=may_judge),
        may_judge=may_judge,
    )


@lru_cache(maxsize=_ROWS_KEPT)
def render_row(row: RowView, *, may_judge: bool) -> Markup:
    """Render a row; many people look at the same ones again and again."""
    template = compile_templates().get_template("queue_row.html")
    return Markup(template.render(row=row, may_judge=may_judge))  # noqa: S704  escaped


def list_people(visit: Visit) -> list[tuple[str, str]]:
    """List who can be responsible for a case, by name as others see it."""
    return sorted(
        (
            (each.name, each.title or each.name)
            for each in visit.site.accounts().values()
            if each.role not in {Role.FARMER, Role.VIEWER} and not each.disabled
        ),
        key=lambda pair: pair[1],
    )


def _word(words: type[_Word], asked: str | None) -> str:
    return asked if asked and asked in set(words) else ""


def _number(asked: str | None, *, most: float) -> str:
    """Keep a number from 0 as it was written; anything else is nothing."""
    try:
        value = float(asked or "")
    except ValueError:
        return ""
    return (asked or "").strip() if 0 <= value <= most else ""
