"""Exports: alerts as files that other programs open, exact or coarse by role."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from os import fstat
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import BoundedSemaphore
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from agroforest.core.account import Right
from agroforest.core.queue import CaseQuery
from agroforest.core.review import Case
from agroforest.desk.learning import read_rows
from agroforest.publish.rows import Manner
from agroforest.publish.vectors import Format, write_cases
from agroforest.web.access import Visit, need
from agroforest.web.pages.filters import Filters, list_choices
from agroforest.web.pages.layout import render, speech_of

_PATH = "/exports"
_PORTION = 500
#: Exports written at once; more would take the disk and the database from others.
_ROOM = BoundedSemaphore(2)
#: Bytes read from a file at once.
_PART = 1 << 18
#: Matching cases are counted up to so many.
_COUNTED = 10_000
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]


def build_router() -> APIRouter:
    """Build the router of exports."""
    router = APIRouter(include_in_schema=False)

    # None is asynchronous: writing files would stop the loop.
    @router.get(_PATH)
    def show_exports(request: Request, visit: _See) -> HTMLResponse:
        """Show what can be exported, and how much matches."""
        filters = Filters.read(request.query_params)
        return _show(request, visit, filters)

    @router.get(f"{_PATH}/cases")
    def export_cases(
        request: Request,
        visit: _See,
        format: str = "",  # noqa: A002  what people call it
        places: str = "",
    ) -> Response:
        """Write the cases that match to a file, and hand it out."""
        if format not in set(Format):
            raise HTTPException(404)
        query = Filters.read(request.query_params).query(speech_of(visit).today)
        return hand_out(visit, query, Format(format), exact=places != "coarse")

    return router


def find_cases(visit: Visit, query: CaseQuery) -> Iterator[Case]:
    """Find cases a portion at a time: an export of many needs little memory."""
    store = visit.site.store
    rows = read_rows(store, query)
    while ids := [row.id for row in islice(rows, _PORTION)]:
        found = store.desk.cases(ids)
        yield from (found[each] for each in ids if each in found)


def find_manner(visit: Visit, *, exact: bool) -> Manner:
    """Find how a visitor's exports show places, and what they call simulated."""
    bureau = visit.site.bureau
    names = frozenset(name for name in bureau.pipelines if bureau.is_simulated(name))
    everything = bureau.settings.notify.simulated
    return Manner(
        exact=exact and visit.may(Right.SEE_EXACT),
        simulated=True if everything else names,
    )


def hand_out(
    visit: Visit, query: CaseQuery, kind: Format, *, exact: bool
) -> StreamingResponse:
    """Write the cases that a query asks for to a file, and hand it out.

    Raises
    ------
    HTTPException
        429: others write theirs.
    """
    if not _ROOM.acquire(blocking=False):
        raise HTTPException(429, headers={"Retry-After": "10"})
    try:
        return _write(visit, query, kind, exact=exact)
    finally:
        _ROOM.release()


def _write(
    visit: Visit, query: CaseQuery, kind: Format, *, exact: bool
) -> StreamingResponse:
    manner = find_manner(visit, exact=exact)
    cases = find_cases(visit, query)
    with TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / f"cases{kind.suffix}"
        write_cases(path, cases, manner=manner, format=kind)
        # Open is enough to be read: however the sending ends, nothing stays behind.
        written = path.open("rb")
    name = f"alerts_{speech_of(visit).today}{kind.suffix}"
    return StreamingResponse(
        _send(written),
        media_type=kind.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(fstat(written.fileno()).st_size),
        },
    )


def _send(written: BinaryIO) -> Iterator[bytes]:
    with written:
        while part := written.read(_PART):
            yield part


def _show(request: Request, visit: Visit, filters: Filters) -> HTMLResponse:
    query = replace(filters.query(speech_of(visit).today), after="")
    count = visit.site.store.desk.count(query, limit=_COUNTED)
    more = "+" if count >= _COUNTED else ""
    return render(
        request,
        visit,
        "exports.html",
        filters=filters,
        asked=filters.asked,
        action=_PATH,
        options=list_choices(visit, filters),
        count=f"{speech_of(visit).number(count)}{more}",
        formats=[str(each) for each in Format],
        exact=visit.may(Right.SEE_EXACT),
        wmts=f"{request.url.scheme}://{request.url.netloc}/tiles/WMTSCapabilities.xml",
    )
