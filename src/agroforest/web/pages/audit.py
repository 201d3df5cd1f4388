"""The audit: who did what, and whether the record is whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.audit import Deed
from agroforest.core.chain import Sealed
from agroforest.core.errors import DataError
from agroforest.web.access import Visit, need
from agroforest.web.pages.layout import Flash, address, render, speech_of

_PATH = "/audit"
_PAGE = 100
#: Longest change that a row shows, characters. Arbitrary; the record has all of it.
_SHOWN = 600

router = APIRouter(include_in_schema=False)
_See = Annotated[Visit, Depends(need(Right.SEE_AUDIT))]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeedView:
    """An entry in words; see `Deed`."""

    number: str
    time: str
    machine: str
    who: str
    what: str
    subject: str
    why: str
    change: str
    digest: str


@router.get(_PATH)
def show_audit(
    request: Request,
    visit: _See,
    subject: str = "",
    who: str = "",
    what: str = "",
    before: int | None = None,
) -> HTMLResponse:
    """Show entries, the newest first."""
    asked = {"subject": subject.strip(), "who": who.strip(), "what": what.strip()}
    return _show(request, visit, asked, before=before)


@router.post(f"{_PATH}/verify")
def verify_audit(request: Request, visit: _See) -> HTMLResponse:
    """Follow the whole chain, and say whether it is whole."""
    words = visit.words
    try:
        count = visit.site.store.desk.check_audit()
        told = speech_of(visit).number(count)
        flash = Flash(text=words("audit.whole", count=told))
    except DataError as error:
        flash = Flash(text=words("audit.broken", problem=error), kind="bad")
    if visit.is_partial:
        return render(request, visit, "flash.html", flash=flash)
    return _show(request, visit, {}, flash=flash)


def _show(
    request: Request,
    visit: Visit,
    asked: Mapping[str, str],
    *,
    before: int | None = None,
    flash: Flash | None = None,
) -> HTMLResponse:
    found = visit.site.store.desk.deeds(**asked, before=before, limit=_PAGE + 1)
    shown, rest = found[:_PAGE], found[_PAGE:]
    older = address(_PATH, **asked, before=shown[-1].number) if rest else ""
    return render(
        request,
        visit,
        "audit.html",
        flash=flash,
        asked={"subject": "", "who": "", "what": ""} | dict(asked),
        deeds=[_view(each, visit) for each in shown],
        older=older,
        first=address(_PATH, **asked) if before is not None else "",
    )


def _view(sealed: Sealed[Deed], visit: Visit) -> DeedView:
    deed, speech = sealed.entry, speech_of(visit)
    return DeedView(
        number=speech.number(sealed.number),
        time=speech.time(deed.time),
        machine=deed.time.isoformat(timespec="seconds"),
        who=visit.site.title_of(deed.who),
        what=deed.what,
        subject=deed.subject,
        why=deed.why,
        change=_change(deed.before, deed.after),
        digest=sealed.digest[:12],
    )


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    keys = dict.fromkeys((*before, *after))
    parts = (f"{key}: {_short(before, key)} → {_short(after, key)}" for key in keys)
    text = "; ".join(parts)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _short(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return "∅"
    return json.dumps(values[key], ensure_ascii=False, default=str)
