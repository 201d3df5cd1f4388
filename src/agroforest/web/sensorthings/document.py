"""Entities and pages as JSON (OGC 18-088, 9.1 and 9.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection, RowMapping

from agroforest.core.errors import DataError
from agroforest.web.sensorthings.declared import EntitySet, Link
from agroforest.web.sensorthings.entities import SETS
from agroforest.web.sensorthings.options import Expand, Options
from agroforest.web.sensorthings.page import Page, Scope, find_all, find_one, read_page
from agroforest.web.sensorthings.path import write_key
from agroforest.web.sensorthings.walk import build_scope

#: Entities in one answer, those of ``$expand`` among them. Arbitrary; a page of
#: a thousand with twenty each.
MOST_ENTITIES = 20_000

Pairs = Sequence[tuple[str, str]]


@dataclass(kw_only=True, slots=True)
class Writer:
    """Writes one answer.

    Attributes
    ----------
    connection
        Where expanded entities are read.
    root
        Address of the service, without a final slash.
    now
        What ``now()`` is.
    """

    connection: Connection
    root: str
    now: datetime
    _written: int = 0
    _singles: dict[tuple[str, str, object], Any] = field(default_factory=dict)

    def write_page(
        self, scope: Scope, options: Options, *, address: str, pairs: Pairs
    ) -> dict[str, Any]:
        """Write a collection.

        Parameters
        ----------
        scope, options
            What is asked for.
        address
            Of the collection, without its query.
        pairs
            Its query, for the link to what follows.
        """
        page = read_page(self.connection, scope, options, now=self.now)
        document: dict[str, Any] = {}
        if page.count is not None:
            document["@iot.count"] = page.count
        if page.more and page.rows:  # a page of none has nothing behind it
            document["@iot.nextLink"] = _build_next(address, pairs, options, page)
        self._fetch_singles(scope.set, page.rows, options)
        document["value"] = [self.write(scope.set, row, options) for row in page.rows]
        return document

    def write(
        self, found: EntitySet, row: RowMapping, options: Options
    ) -> dict[str, Any]:
        """Write an entity with its links, and with what is expanded of them."""
        self._written += 1
        if self._written > MOST_ENTITIES:
            raise DataError(
                "$expand", f"gives over {MOST_ENTITIES} entities", "lower $top"
            )
        name = found.id(row)
        own = f"{self.root}/{found.name}{write_key(name)}"
        entity = {"@iot.id": name, "@iot.selfLink": own} | found.build(row)
        for link in found.links:
            entity[f"{link}@iot.navigationLink"] = f"{own}/{link}"
        if options.select is not None:
            entity = _select(found, entity, options.select)
        for expand in options.expand:
            link_of = found.links.get(expand.name)
            if link_of is None:
                raise DataError(
                    "$expand",
                    f"has {expand.name!r}",
                    f"use one of {', '.join(found.links)}; one level is expanded",
                )
            entity |= self._expand(expand, link_of, row, own)
        return entity

    def write_references(self, found: EntitySet, rows: Sequence[RowMapping]) -> Any:  # noqa: ANN401  JSON
        """Write only the addresses of entities."""
        return [
            {"@iot.selfLink": f"{self.root}/{found.name}{write_key(found.id(row))}"}
            for row in rows
        ]

    def _fetch_singles(
        self, found: EntitySet, rows: Sequence[RowMapping], options: Options
    ) -> None:
        """Fetch what single links of a whole page lead to, in one query a link."""
        for expand in options.expand:
            link = found.links.get(expand.name)
            if link is None or link.many or link.column is None:
                continue
            keys = {row[link.key] for row in rows}
            scope = Scope(set=SETS[link.target], where=link.column.in_(keys))
            for row in find_all(self.connection, scope):
                entity = self.write(scope.set, row, expand.options)
                self._singles[link.target, link.key, row["id"]] = entity

    def _expand(
        self, expand: Expand, link: Link, row: RowMapping, own: str
    ) -> dict[str, Any]:
        scope = build_scope(link, row)
        if not link.many:
            return {expand.name: self._expand_one(expand, link, row, scope)}
        address = f"{own}/{expand.name}"
        pairs = [
            (name, value)
            for name, _, value in (
                each.partition("=") for each in expand.written.split("&") if each
            )
        ]
        page = self.write_page(scope, expand.options, address=address, pairs=pairs)
        found = {expand.name: page["value"]}
        for note in ("@iot.count", "@iot.nextLink"):
            if note in page:
                found[f"{expand.name}{note}"] = page[note]
        return found

    def _expand_one(
        self, expand: Expand, link: Link, row: RowMapping, scope: Scope
    ) -> Any:  # noqa: ANN401  JSON
        # A page of Observations has few Datastreams.
        key = (link.target, link.key, row[link.key])
        if key not in self._singles:
            found = find_one(self.connection, scope)
            self._singles[key] = (
                None if found is None else self.write(scope.set, found, expand.options)
            )
        return self._singles[key]


def _select(
    found: EntitySet, entity: dict[str, Any], names: tuple[str, ...]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in names:
        if name in {"id", "@iot.id"}:
            kept["@iot.id"] = entity["@iot.id"]
        elif name in found.links:
            link = f"{name}@iot.navigationLink"
            kept[link] = entity[link]
        elif name in found.properties:
            if name in entity:
                kept[name] = entity[name]
        else:
            known = ", ".join(("id", *found.properties, *found.links))
            raise DataError("$select", f"has {name[:40]!r}", f"use some of {known}")
    return kept


def _build_next(address: str, pairs: Pairs, options: Options, page: Page) -> str:
    kept = [pair for pair in pairs if pair[0] not in {"$skip", "$skiptoken"}]
    if page.token is not None:
        kept.append(("$skiptoken", page.token))
    else:
        kept.append(("$skip", str(options.skip + len(page.rows))))
    query = urlencode(kept, quote_via=quote, safe="$,:()/'")
    return f"{address}?{query}"
