"""The morning after the simulated nights: a desk at work, open to be looked at.

Alerts of the nights are queued, people have judged some of them, messages have gone to
a mailbox and a webhook of our own, and each county has its bulletin. All of it is
marked as simulated, and the clock says what it would say then.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from fastapi import FastAPI

from agroforest.core.account import Role
from agroforest.core.config import read_pipeline
from agroforest.desk.bureau import Bureau, open_bureau
from agroforest.desk.settings import read_desk
from agroforest.desk.work import follow
from agroforest.nightly import run_nights
from agroforest.nightly.run import Progress
from agroforest.nightly.water.read import read_night
from agroforest.nightly.workplace import Workplace
from agroforest.notify.acknowledge import KEY_FILE, read_key
from agroforest.notify.advice import advise
from agroforest.notify.channels import open_channel
from agroforest.notify.deliver import Crew, Office
from agroforest.notify.round import run_round
from agroforest.publish.bulletin import write_bulletin
from agroforest.store import Store, open_store
from agroforest.testing.mailbox import Mailbox, serve_mailbox
from agroforest.testing.morning_acts import Bench, work_a_morning
from agroforest.testing.morning_clock import Clock
from agroforest.testing.morning_desk import (
    HOOK_ENV,
    MAIL_ENV,
    Person,
    admit_people,
    write_settings,
)
from agroforest.testing.morning_water import NAME as WATER
from agroforest.testing.morning_water import write_water
from agroforest.testing.world import World
from agroforest.web.app import build_desk
from agroforest.web.app_parts import build_parts
from agroforest.web.pages.bulletins import build_bulletin, find_file
from agroforest.web.pages.map_data import Ground
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.site import Site

#: The bureau opens at half past eight, China time.
_OPENS = time(0, 30, tzinfo=UTC)
#: Lights of the parcels that the farmer has, one of each.
_LIGHTS = ("red", "amber", "green")
#: Seconds between two rounds of messages. Arbitrary.
_ROUND_S = 3.0
_PATIENCE_S = 90.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Morning:
    """A desk to be looked at.

    Attributes
    ----------
    app
        To be served.
    store, bureau, clock
        Behind it.
    people
        Who may log in.
    mailbox
        What was sent so far, and where it is shown.
    bulletins
        PDF, one for each county with cases.
    settings
        Of the desk, as ``agroforest serve --config`` takes them.
    """

    app: FastAPI = field(repr=False)
    store: Store = field(repr=False)
    bureau: Bureau = field(repr=False)
    clock: Clock = field(repr=False)
    people: tuple[Person, ...]
    mailbox: Mailbox = field(repr=False)
    bulletins: tuple[Path, ...]
    settings: Path

    def person(self, role: Role) -> Person:
        """Find the first person of a role."""
        return next(p for p in self.people if p.account.role == role)


@contextmanager
def open_morning(
    work: Path,
    world: World,
    *,
    link: str,
    mail_port: int = 0,
    progress: Progress | None = None,
) -> Iterator[Morning]:
    """Open the desk on the morning after the world's last night.

    Messages are sent while it is open. It may be opened again on the same folder: what
    was done stays, and everybody gets a new password.

    Parameters
    ----------
    work
        Work folder, in which the nights have run.
    world
        Simulated, inside the work folder.
    link
        Where the desk will be served.
    mail_port
        Of the mailbox's page; 0 takes a free one.
    progress
        Told of the night of water.

    Raises
    ------
    ConfigurationError
        A port is taken, or the typesetter of bulletins or its font is missing.
    """
    run = run_nights(
        read_pipeline(write_water(world)), [world.end], work=work, progress=progress
    )
    list(run)
    settings = write_settings(work, world, link=link)
    bureau = open_bureau(read_desk(settings))
    place = Workplace(root=work.absolute(), pipeline=WATER)
    with open_store(place.database) as store, serve_mailbox(mail_port) as box:
        clock = Clock(_find_start(store, world))
        is_new = not store.desk.accounts()
        night = read_night(place.folder)
        people = admit_people(store, _choose_parcels(night), now=clock())
        follow(store, bureau)  # each night in its own time
        notify = bureau.settings.notify
        if is_new:
            accounts = {p.account.name: p.account for p in people}
            store.desk.add_messages(
                advise(night, accounts.values(), notify, clock(), simulated=True)
            )
            work_a_morning(
                Bench(store=store, bureau=bureau, clock=clock, people=accounts)
            )
        site = Site(store, bureau, now=clock)
        with _sending(store, bureau, clock, work=work, box=box):
            yield Morning(
                app=build_desk(site, routers=build_parts(site, work)),
                store=store,
                bureau=bureau,
                clock=clock,
                people=people,
                mailbox=box,
                bulletins=tuple(_print_bulletins(site, work, world)),
                settings=settings,
            )


def _find_start(store: Store, world: World) -> datetime:
    """Open in the morning, or after what was done already."""
    opens = datetime.combine(world.end + timedelta(days=1), _OPENS)
    last = store.desk.deeds(limit=1)
    return max([opens, *(each.entry.time + timedelta(seconds=1) for each in last)])


def _choose_parcels(night: Mapping[str, list[dict[str, str]]]) -> list[str]:
    """Choose a farmer's own: the first of each light."""
    first: dict[str, str] = {}
    for parcel in night["parcels"]:
        first.setdefault(parcel["light"], parcel["id"])
    return [first[light] for light in _LIGHTS if light in first]


@contextmanager
def _sending(
    store: Store, bureau: Bureau, clock: Clock, *, work: Path, box: Mailbox
) -> Iterator[None]:
    """Send what is due at once, and go on with that in a thread."""
    notify = bureau.settings.notify
    environ = {MAIL_ENV: box.smtp, HOOK_ENV: box.hook}
    channels = {
        name: open_channel(name, section, environ)
        for name, section in notify.channels.items()
    }
    office = Office(
        desk=store.desk,
        settings=notify,
        secret=read_key(work / KEY_FILE),
        clock=clock,
    )
    crew, stop = Crew(office, channels), threading.Event()
    while run_round(store.desk, crew).sent:
        pass

    def go_on() -> None:
        while not stop.wait(_ROUND_S):
            run_round(store.desk, crew)

    thread = threading.Thread(target=go_on, name="messages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_PATIENCE_S)


def _print_bulletins(site: Site, work: Path, world: World) -> Iterator[Path]:
    nights, ground = Nights(site, work), Ground(bureau=site.bureau)
    for code, zh, en in site.counties():
        path = find_file(work, code, world.end)
        bulletin = build_bulletin(
            site, nights, ground, code=code, name=(zh, en), night=world.end
        )
        write_bulletin(path, bulletin)
        yield path
