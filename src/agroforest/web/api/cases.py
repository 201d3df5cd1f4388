"""Cases over JSON: the queue, one case, and acts on it."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from shapely import LineString

from agroforest.core.account import Right
from agroforest.core.errors import DataError
from agroforest.core.review import Act, Case
from agroforest.review import commands as ask
from agroforest.web.access import RefusedError, Visit, need
from agroforest.web.api.answers import BODY, CONFLICT, FAULTS
from agroforest.web.api.filters import Paged
from agroforest.web.api.shapes import (
    ActForm,
    CasePage,
    CaseRow,
    CaseWhole,
    Counted,
    StepShape,
)
from agroforest.web.drawn import draw_line

_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
_Judge = Annotated[Visit, Depends(need(Right.JUDGE))]
_CaseId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_.:-]{1,64}$")]
router = APIRouter(prefix="/cases", tags=["cases"])


# None of these is asynchronous: a query would stop the loop.
@router.get("", responses=FAULTS)
def list_cases(visit: _See, asked: Annotated[Paged, Query()]) -> CasePage:
    """List cases, a page at a time."""
    query = asked.find_query(order=asked.order, after=asked.after, limit=asked.limit)
    page = visit.site.store.desk.queue(query)
    exact = visit.may(Right.SEE_EXACT)
    return CasePage(
        cases=tuple(CaseRow.from_row(row, exact=exact) for row in page.rows),
        next=page.next,
    )


@router.get("/tally", responses=FAULTS)
def tally(visit: _See) -> tuple[Counted, ...]:
    """Count the cases of every stage and hazard."""
    counted = visit.site.tally()
    return tuple(
        Counted(stage=stage, hazard=hazard, cases=number)
        for (stage, hazard), number in sorted(counted.items())
    )


@router.get("/{id}", responses=FAULTS)
def show_case(visit: _See, id: _CaseId) -> CaseWhole:  # noqa: A002
    """Show a case."""
    return CaseWhole.from_case(_find(visit, id), exact=visit.may(Right.SEE_EXACT))


@router.get("/{id}/steps", responses=FAULTS)
def list_steps(visit: _See, id: _CaseId) -> tuple[StepShape, ...]:  # noqa: A002
    """List what was done to a case, from the beginning."""
    _find(visit, id)
    return tuple(StepShape.from_step(step) for step in visit.site.store.desk.steps(id))


@router.post("/{id}/acts", responses=FAULTS | CONFLICT | BODY)
def act_on_case(visit: _Judge, id: _CaseId, form: ActForm) -> CaseWhole:  # noqa: A002
    """Do one act to a case, if it still is as it was seen."""
    act = Act(form.act)
    if not visit.may(ask.find_right(act)):
        raise RefusedError
    _find(visit, id)
    visit.site.act(read_command(id, form), visit.account, seen={id: form.version})
    return CaseWhole.from_case(_find(visit, id), exact=visit.may(Right.SEE_EXACT))


def read_command(case: str, form: ActForm) -> ask.Command:
    """Read what a form asks for.

    Raises
    ------
    DataError
        Something is missing that the act needs, or cannot be.
    """
    return _READERS[Act(form.act)](case, form)


def _judge(case: str, form: ActForm) -> ask.Command:
    if form.reason is None:
        raise _lack(case, "reason")
    kind = ask.Confirm if Act(form.act) == Act.CONFIRM else ask.Dismiss
    return kind(case=case, note=form.note, reason=form.reason)


def _assign(case: str, form: ActForm) -> ask.Command:
    return ask.Assign(case=case, note=form.note, to=form.to)


def _order(case: str, form: ActForm) -> ask.Command:
    return ask.OrderCheck(
        case=case, note=form.note, to=form.to, due=form.due, sample=form.sample
    )


def _report(case: str, form: ActForm) -> ask.Command:
    return ask.ReportCheck(case=case, note=form.note, found=form.found)


def _sample(case: str, form: ActForm) -> ask.Command:
    if form.sampling is None:
        raise _lack(case, "sampling")
    return ask.Sample(
        case=case, note=form.note, to=form.sampling, positive=form.positive
    )


def _merge(case: str, form: ActForm) -> ask.Command:
    if not form.others:
        raise _lack(case, "others")
    others = tuple(dict.fromkeys(form.others))
    return ask.Merge(case=case, note=form.note, others=others)


def _split(case: str, form: ActForm) -> ask.Command:
    return ask.Split(case=case, note=form.note, line=_read_line(case, form))


_Bare = (
    ask.Pass
    | ask.Approve
    | ask.Return
    | ask.Note
    | ask.Unmerge
    | ask.Unsplit
    | ask.Close
    | ask.Reopen
)
_Reader = Callable[[str, ActForm], ask.Command]


def _bare(kind: type[_Bare]) -> _Reader:
    def read(case: str, form: ActForm) -> ask.Command:
        return kind(case=case, note=form.note)

    return read


_READERS: Mapping[Act, _Reader] = {
    Act.PASS: _bare(ask.Pass),
    Act.CONFIRM: _judge,
    Act.DISMISS: _judge,
    Act.APPROVE: _bare(ask.Approve),
    Act.RETURN: _bare(ask.Return),
    Act.ASSIGN: _assign,
    Act.ORDER_CHECK: _order,
    Act.REPORT_CHECK: _report,
    Act.SAMPLE: _sample,
    Act.NOTE: _bare(ask.Note),
    Act.MERGE: _merge,
    Act.UNMERGE: _bare(ask.Unmerge),
    Act.SPLIT: _split,
    Act.UNSPLIT: _bare(ask.Unsplit),
    Act.CLOSE: _bare(ask.Close),
    Act.REOPEN: _bare(ask.Reopen),
}


def _read_line(case: str, form: ActForm) -> LineString | None:
    if not form.line:
        return None
    line = draw_line(form.line)
    if line is None:
        raise DataError(f"case {case}", "the line is none", "give two points or more")
    return line


def _lack(case: str, name: str) -> DataError:
    return DataError(f"case {case}", f"the act needs {name}", f"give {name}")


def _find(visit: Visit, name: str) -> Case:
    case = visit.site.store.desk.case(name)
    if case is None:
        raise HTTPException(404, f"there is no case {name}")
    return case
