"""What is asked over HTTP, up to the database."""

import tempfile
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

from tests.web.conftest import NOW

from agroforest.core.errors import DataError
from agroforest.core.queue import CaseQuery, Order
from agroforest.store import Store, open_store
from agroforest.web.api.stac_search import read_query, read_search
from agroforest.web.sensorthings import Endpoint
from agroforest.web.sensorthings.options import parse_options, split_query
from agroforest.web.sensorthings.parser import parse_filter
from agroforest.web.sensorthings.path import parse_path

_ROOT = "http://127.0.0.1/sensorthings/v1.1"
_ORDERS = tuple(Order)
_OPEN = ExitStack()
_WORDS = ("bbox", "intersects", "collections", "ids", "datetime", "token")


@cache
def _store() -> Store:
    """A database of this process, without anything in it."""
    folder = Path(_OPEN.enter_context(tempfile.TemporaryDirectory()))
    return _OPEN.enter_context(open_store(folder / "agroforest.db"))


def ask_filter(data: bytes) -> None:
    parse_filter(data.decode("utf-8", "replace"))


def ask_options(data: bytes) -> None:
    """A path, a question mark and a query, answered."""
    path, _, query = data.decode("utf-8", "replace").partition("?")
    with suppress(DataError):
        parse_path(path)
    with suppress(DataError):
        parse_options(split_query(query))
    answer = Endpoint(_store()).answer(path, query, root=_ROOT, now=NOW)
    assert answer.status < 500, answer


def ask_queue(data: bytes) -> None:
    """First byte: which order; the rest is the cursor."""
    if data:
        order = _ORDERS[data[0] % len(_ORDERS)]
        after = data[1:].decode("ascii", "replace")
        _store().desk.queue(CaseQuery(order=order, after=after))


def ask_rasters(data: bytes) -> None:
    """Lines: what a query says of each."""
    lines = data.decode("utf-8", "replace").split("\n")
    said = dict(zip(_WORDS, lines, strict=False))
    read_search(read_query(**{name: text for name, text in said.items() if text}))
