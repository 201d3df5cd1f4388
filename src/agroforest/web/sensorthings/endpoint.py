"""One request, from its address to its answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import RowMapping

from agroforest.core.errors import (
    AgroforestError,
    DataError,
    NoInputError,
    SourceError,
)
from agroforest.store import Store
from agroforest.web.sensorthings.document import Pairs, Writer
from agroforest.web.sensorthings.entities import SETS
from agroforest.web.sensorthings.options import Options, parse_options, split_query
from agroforest.web.sensorthings.page import read_page
from agroforest.web.sensorthings.path import parse_path
from agroforest.web.sensorthings.walk import Place, walk

_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
#: Requirements of OGC 18-088 that are met, as far as they are about reading.
CONFORMANCE = tuple(
    _SPEC + each
    for each in (
        "datamodel",
        "resource-path/resource-path-to-entities",
        "request-data/order",
        "request-data/expand",
        "request-data/select",
        "request-data/filter",
        "request-data/built-in-filter-operations",
        "request-data/orderby",
        "request-data/skip",
        "request-data/top",
        "request-data/count",
        "request-data/pagination",
        "request-data/status-code",
    )
)
#: What may be asked of a single entity.
_OF_ONE = {"$select", "$expand"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer.

    Attributes
    ----------
    status
        Of HTTP.
    body
        JSON, or the text of a ``$value``.
    """

    status: int
    body: Any


class Endpoint:
    """Answers requests from a store, which it never changes.

    Parameters
    ----------
    store
        Open; closed by whoever opened it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, path: str, query: str, *, root: str, now: datetime) -> Answer:
        """Answer a request; what is wrong with it is an answer, too.

        Parameters
        ----------
        path
            Behind the root, percent signs decoded.
        query
            As it stands in the address.
        root
            Address of the service, without a final slash, for links.
        now
            What ``now()`` is.
        """
        try:
            return self._answer(path, query, root, now)
        except NoInputError as error:
            return _build_error(404, error)
        except DataError as error:
            return _build_error(400, error)
        except SourceError as error:
            return _build_error(503, error)

    def _answer(self, path: str, query: str, root: str, now: datetime) -> Answer:
        steps = parse_path(path)
        pairs = split_query(query)
        if not steps:
            return Answer(status=200, body=_build_root(root))
        with self._store.reading() as connection:
            place = walk(connection, steps)
            writer = Writer(connection=connection, root=root, now=now)
            if place.row is None:
                address = f"{root}/{quote(path.strip('/'), safe=_PLAIN)}"
                return _answer_collection(writer, place, pairs, address)
            return _answer_entity(writer, place, place.row, pairs)


#: Signs of a path that need no percent sign.
_PLAIN = "/()':$@,"


def _answer_collection(
    writer: Writer, place: Place, pairs: Pairs, address: str
) -> Answer:
    options = parse_options(pairs)
    if place.form != "$ref":
        body = writer.write_page(place.scope, options, address=address, pairs=pairs)
        return Answer(status=200, body=body)
    page = read_page(writer.connection, place.scope, options, now=writer.now)
    references = writer.write_references(place.scope.set, page.rows)
    return Answer(status=200, body={"value": references})


def _answer_entity(
    writer: Writer, place: Place, row: RowMapping, pairs: Pairs
) -> Answer:
    options = _parse_options_of_one(pairs)
    found = place.scope.set
    if place.form == "$ref":
        return Answer(status=200, body=writer.write_references(found, [row])[0])
    if not place.property:
        return Answer(status=200, body=writer.write(found, row, options))
    whole = writer.write(found, row, Options())
    name = "@iot.id" if place.property == "id" else place.property
    if name not in whole:
        raise NoInputError(name, "is not there", f"this {found.single} has none")
    if place.form == "$value":
        return Answer(status=200, body=_write_value(whole[name]))
    return Answer(status=200, body={name: whole[name]})


def _write_value(value: object) -> str:
    return "" if value is None else str(value)


def _parse_options_of_one(pairs: Pairs) -> Options:
    for name, _ in pairs:
        if name.startswith("$") and name not in _OF_ONE:
            raise DataError(
                name[:40], "is for collections", f"use {' or '.join(sorted(_OF_ONE))}"
            )
    return parse_options(pairs)


def _build_root(root: str) -> dict[str, Any]:
    return {
        "value": [{"name": name, "url": f"{root}/{name}"} for name in SETS],
        "serverSettings": {"conformance": list(CONFORMANCE)},
    }


def _build_error(status: int, error: AgroforestError) -> Answer:
    body = {"code": status, "type": "error", "message": str(error)}
    return Answer(status=status, body=body)
