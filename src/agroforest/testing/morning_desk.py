"""The simulated bureau: its counties, its settings and the people who work there."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import shapely

from agroforest.core.account import Account, Interest, Role
from agroforest.core.aoi import read_aoi
from agroforest.core.files import write_text
from agroforest.desk.people import OPERATOR, add_account, set_password
from agroforest.store import Store
from agroforest.testing.world import World
from agroforest.web.passwords import hash_password

#: Channels, and the variables that hold their addresses.
MAIL, HOOK = "mail", "duty-room"
MAIL_ENV, HOOK_ENV = "AGROFOREST_DEMO_MAIL", "AGROFOREST_DEMO_HOOK"
REVIEWERS = ("rui", "ren")
SUPERVISOR, ADMIN, FARMER = "sun", "ada", "feng"

#: Codes of no county that there is.
_COUNTIES = (
    ("459901", "高西县（模拟）", "Gaoxi county (simulated)"),
    ("459902", "高东县（模拟）", "Gaodong county (simulated)"),
)
_AROUND = 0.04  # degrees of county around the area: cells of bulletins look small
_TITLES: Mapping[str, tuple[Role, str]] = {
    ADMIN: (Role.ADMIN, "管理员 Ada"),
    SUPERVISOR: (Role.SUPERVISOR, "孙秀 Sun"),
    REVIEWERS[0]: (Role.REVIEWER, "黄睿 Rui"),
    REVIEWERS[1]: (Role.REVIEWER, "韦仁 Ren"),
    FARMER: (Role.FARMER, "农户覃丰 Feng"),
}
#: Each reviewer is told of one county; what both may judge is all.
_COUNTIES_OF: Mapping[str, tuple[str, ...]] = {
    name: (county[0],) for name, county in zip(REVIEWERS, _COUNTIES, strict=True)
}
_BYTES = 9  # of a password: twelve characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who may log in.

    Attributes
    ----------
    account
        As the desk has it.
    password
        Made for this run, and kept nowhere.
    """

    account: Account
    password: str = field(repr=False)


def write_settings(work: Path, world: World, *, link: str) -> Path:
    """Write the desk's settings and its two counties into the work folder.

    Parameters
    ----------
    work
        Gets ``desk.toml`` and ``counties.geojson``.
    world
        Its area is cut in two.
    link
        Where people reach the desk.

    Returns
    -------
    Path
        The settings.
    """
    write_text(work / "counties.geojson", _counties_geojson(world))
    pipelines = world.pipeline.parent.absolute().relative_to(work.absolute())
    path = work / "desk.toml"
    write_text(
        path,
        f"""\
# A bureau that does not exist, over a district that does not either.
title_zh = "高峰模拟林业局"
title_en = "Gaofeng forestry bureau (simulated)"
counties = "counties.geojson"
datum = "wgs84"
pipelines = ["{pipelines.as_posix()}/*.toml"]

[notify]
link = "{link}"
simulated = true

[notify.channels.{MAIL}]
kind = "mail"
url_env = "{MAIL_ENV}"
sender = "desk@example.cn"

[notify.channels.{HOOK}]
kind = "webhook"
url_env = "{HOOK_ENV}"
""",
    )
    return path


def admit_people(
    store: Store, parcels: Sequence[str], *, now: datetime
) -> tuple[Person, ...]:
    """Add everybody who is not there yet, and give everybody a new password."""
    people = []
    for name, (role, title) in _TITLES.items():
        password = secrets.token_urlsafe(_BYTES)
        account = store.desk.account(name)
        if account is None:
            account = Account(
                name=name,
                title=title,
                role=role,
                created=now,
                contacts=_find_contacts(name, role),
                parcels=tuple(parcels) if role == Role.FARMER else (),
                interest=Interest(quota=_QUOTA, counties=_COUNTIES_OF.get(name, ())),
            )
            add_account(store, account, hash_password(password), by=OPERATOR, now=now)
        else:
            set_password(store, name, hash_password(password), by=OPERATOR, now=now)
        people.append(Person(account=account, password=password))
    return tuple(people)


#: More than a morning brings: nothing has to wait for the evening's digest. Arbitrary.
_QUOTA = 100


def _find_contacts(name: str, role: Role) -> Mapping[str, str]:
    if role == Role.ADMIN:  # looks after the machine, not after the forest
        return {}
    mail = {MAIL: f"{name}@example.cn"}
    return mail | {HOOK: name} if role == Role.SUPERVISOR else mail


def _counties_geojson(world: World) -> str:
    west, south, east, north = read_aoi(world.aoi).area.bounds
    middle = (west + east) / 2
    halves = (
        (west - _AROUND, south - _AROUND, middle, north + _AROUND),
        (middle, south - _AROUND, east + _AROUND, north + _AROUND),
    )
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name_zh": zh, "name_en": en},
            "geometry": shapely.geometry.mapping(shapely.box(*half)),
        }
        for (code, zh, en), half in zip(_COUNTIES, halves, strict=True)
    ]
    document = {"type": "FeatureCollection", "features": features}
    return json.dumps(document, ensure_ascii=False)
