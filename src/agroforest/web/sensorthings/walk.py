"""Following a resource path through the store, from set to entity to set."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping

from agroforest.core.errors import NoInputError
from agroforest.web.sensorthings.declared import EntitySet, Link
from agroforest.web.sensorthings.entities import SETS
from agroforest.web.sensorthings.page import Scope, find_one
from agroforest.web.sensorthings.path import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a path leads.

    Attributes
    ----------
    scope
        The set, or part of it.
    row
        The entity; ``None`` where it leads to a collection.
    property
        Name of its property, where it leads to one.
    form
        ``$value`` or ``$ref`` at the end of the path; else empty.
    """

    scope: Scope
    row: RowMapping | None = None
    property: str = ""
    form: str = ""


def walk(connection: Connection, steps: tuple[Step, ...]) -> Place:
    """Follow a path of at least one step.

    Raises
    ------
    NoInputError
        It leads nowhere.
    """
    first, *rest = steps
    if first.name not in SETS:
        raise _lost(first.name, f"there are {', '.join(SETS)}")
    place = _enter(connection, Scope(set=SETS[first.name]), first)
    for step in rest:
        place = _go(connection, place, step)
    return place


def build_scope(link: Link, row: RowMapping) -> Scope:
    """Build the scope of a link of an entity."""
    target = SETS[link.target]
    return Scope(
        set=target,
        where=link.where(row[link.key]),
        needs=link.needs,
        one_series=target.name == "Observations" and not link.needs,
    )


def _go(connection: Connection, place: Place, step: Step) -> Place:
    if place.form or (step.key is not None and step.name.startswith("$")):
        raise _lost(step.name, "the path ends before it")
    if step.name == "$ref" and not place.property:
        return replace(place, form=step.name)
    if step.name == "$value" and place.property:
        return replace(place, form=step.name)
    if place.row is None or place.property:
        raise _lost(step.name, f"name one of the {place.scope.set.name} by its id")
    found: EntitySet = place.scope.set
    if step.name in {"id", "@iot.id", *found.properties} and step.key is None:
        return replace(place, property=step.name)
    link = found.links.get(step.name)
    if link is None:
        known = ", ".join((*found.properties, *found.links))
        raise _lost(step.name, f"a {found.single} has {known}")
    scope = build_scope(link, place.row)
    if link.many:
        return _enter(connection, scope, step)
    row = None if step.key is not None else find_one(connection, scope)
    if row is None:
        raise _lost(step.name, "there is none")
    return Place(scope=scope, row=row)


def _enter(connection: Connection, scope: Scope, step: Step) -> Place:
    if step.key is None:
        return Place(scope=scope)
    identity = scope.set.fields.get("id")
    row = None
    if identity is not None and identity.find is not None:
        same = identity.find(step.key)
        where = same if scope.where is None else scope.where & same
        row = find_one(connection, replace(scope, where=where))
    if row is None:
        raise _lost(f"{step.name}('{step.key[:80]}')", "look it up in the collection")
    return Place(scope=scope, row=row)


def _lost(name: str, remedy: str) -> NoInputError:
    return NoInputError(name, "is not there", remedy)
