"""What people do to cases: a form in, a command to the desk, what came of it out."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from agroforest.core.account import Right
from agroforest.core.errors import ConflictError, DataError, ForbiddenError
from agroforest.core.review import NIGHT, Act
from agroforest.review import commands as ask
from agroforest.review.life import find_right
from agroforest.web.access import RefusedError, Visit, need
from agroforest.web.pages.filters import Filters
from agroforest.web.pages.forms import (
    Form,
    FormError,
    read_command,
    read_marked,
    read_texts,
    read_version,
)
from agroforest.web.pages.layout import Flash, go, render, speech_of
from agroforest.web.pages.queue import build_chips
from agroforest.web.pages.queue_list import show_row

_PERSONS = frozenset(ask.ACTS.values())

router = APIRouter(include_in_schema=False)


async def read_form(request: Request) -> FormData:
    """Read the form that was sent."""
    return await request.form()


_Sent = Annotated[FormData, Depends(read_form)]
_Judge = Annotated[Visit, Depends(need(Right.JUDGE))]


@router.post("/alerts/{id}/{act}")
def act_on_case(
    request: Request,
    visit: _Judge,
    sent: _Sent,
    id: str,  # noqa: A002  of the case
    act: Act,
) -> Response:
    """Do one act to one case, as it was seen."""
    if act in _PERSONS and not visit.may(_find_right(visit, id, act)):
        raise RefusedError
    form = read_texts(sent)
    page = f"/alerts/{quote(id)}"
    try:
        command = read_command(act, id, form, sent)
        seen = {id: read_version(form)}
    except FormError as error:
        return _refuse(request, visit, visit.words(error.key), 422)
    except DataError as error:
        return _refuse(request, visit, visit.words("act.refused", why=error), 422)
    refused = _try(request, visit, command, seen, reload=page)
    if refused is not None:
        return refused
    if visit.is_partial:
        return _answer_row(request, visit, id, act, form)
    return go(page, said=f"said.{act}")


@router.post("/queue/merge")
def merge_marked(request: Request, visit: _Judge, sent: _Sent) -> Response:
    """Merge the marked cases into the topmost of them."""
    try:
        seen = read_marked(sent)
    except FormError as error:
        return _refuse(request, visit, visit.words(error.key), 422)
    first, *others = seen
    command = ask.Merge(case=first, others=tuple(others))
    refused = _try(request, visit, command, seen, reload="/queue")
    if refused is not None:
        return refused
    undo = f"/queue/unmerge?ids={'+'.join(others)}"
    return _answer_list(request, visit, Act.MERGE, undo=undo)


@router.post("/queue/unmerge")
def undo_merge(request: Request, visit: _Judge, ids: str) -> Response:
    """Take cases out of the one that they were merged into."""
    for each in ids.split():
        command = ask.Unmerge(case=each)
        refused = _try(request, visit, command, {}, reload="/queue")
        if refused is not None:
            return refused
    return _answer_list(request, visit, Act.UNMERGE)


@router.post("/queue/undo/{id}")
def undo_verdict(
    request: Request,
    visit: _Judge,
    id: str,  # noqa: A002  of the case
    version: int,
) -> Response:
    """Take back a verdict of one's own that was a slip of the hand."""
    command = ask.Return(case=id, note=visit.words("undo.note"))
    refused = _try(request, visit, command, {id: version}, reload=f"/alerts/{id}")
    return refused or _answer_list(request, visit, Act.RETURN)


def _find_right(visit: Visit, id: str, act: Act) -> Right:  # noqa: A002
    """Find the right that an act needs; one's own verdict may be taken back."""
    case = visit.site.store.desk.case(id) if act == Act.RETURN else None
    return find_right(act, case, visit.account)


def _try(
    request: Request,
    visit: Visit,
    command: ask.Command,
    seen: Mapping[str, int],
    *,
    reload: str,
) -> Response | None:
    """Do it; ``None`` if it was done, else why not."""
    site = visit.site
    try:
        site.act(command, visit.account, seen=seen)
    except ConflictError:
        text = _tell_conflict(visit, seen)
        return _refuse(request, visit, text, 409, reload=reload)
    except ForbiddenError as error:
        text = visit.words("act.refused", why=error)
        return _refuse(request, visit, text, 403)
    except DataError as error:
        is_there = len(site.store.desk.cases(command.ids)) == len(set(command.ids))
        text = visit.words("act.refused", why=error)
        return _refuse(request, visit, text, 422 if is_there else 404, reload=reload)
    return None


def _tell_conflict(visit: Visit, seen: Mapping[str, int]) -> str:
    """Say who was first, and what they did."""
    for case, version in seen.items():
        newer = [s for s in visit.site.store.desk.steps(case) if s.number > version]
        if newer:
            last, words = newer[-1], visit.words
            named = (words.name(x) for x in (last.act, last.reason) if x is not None)
            return words(
                "act.conflict",
                who=tell_who(visit, last.by),
                time=speech_of(visit).time(last.time),
                what=" · ".join(named),
            )
    return visit.words("act.conflict_plain")


def tell_who(visit: Visit, by: str) -> str:
    """Name whoever did a step."""
    return visit.words("step.by_night") if by == NIGHT else visit.site.title_of(by)


def _refuse(
    request: Request, visit: Visit, text: str, status: int, *, reload: str = ""
) -> Response:
    flash = Flash(text=text, kind="bad", reload=reload)
    if visit.is_partial:
        headers = {"HX-Retarget": "#flash", "HX-Reswap": "innerHTML"}
        return render(
            request, visit, "flash.html", status=status, flash=flash, headers=headers
        )
    return render(
        request, visit, "refused.html", status=status, flash=flash, message=text
    )


def _answer_row(
    request: Request,
    visit: Visit,
    id: str,  # noqa: A002
    act: Act,
    form: Form,
) -> Response:
    """Show the case in the queue as it is now, what was done, and new counts."""
    case = visit.site.store.desk.cases([id])[id]
    undo = ""
    if act in {Act.CONFIRM, Act.DISMISS}:
        undo = f"/queue/undo/{id}?version={case.version}"
    return render(
        request,
        visit,
        "queue_done.html",
        row=show_row(visit, case),
        may_judge=True,
        chips=build_chips(visit, Filters.read(form)),
        flash=Flash(text=visit.words(f"said.{act}"), undo=undo),
        oob=True,
    )


def _answer_list(
    request: Request, visit: Visit, act: Act, *, undo: str = ""
) -> Response:
    """Say what was done; the queue's script then asks for the list again."""
    if not visit.is_partial:
        return go("/queue", said=f"said.{act}")
    flash = Flash(text=visit.words(f"said.{act}"), undo=undo)
    # After the swap: a form that is gone by then is no place to tell the page from.
    headers = {"HX-Trigger-After-Swap": "desk:changed"}
    return render(request, visit, "flash.html", flash=flash, headers=headers)
