"""Readings of a SensorThings service into the store, as far as they are new."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import requests

from agroforest.catalog.guard import GuardedAdapter
from agroforest.catalog.href import Reach
from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.nightly.intake import keep
from agroforest.sensors import Refused
from agroforest.sensors.sensorthings import (
    Client,
    Limits,
    Service,
    ServiceMapping,
    Stream,
)
from agroforest.store import Store

#: Before the newest reading that is stored, so much is asked for again: messages
#: come late, and a mean counts from its end on but is filtered by its beginning.
#: Arbitrary; nothing is stored twice.
OVERLAP = timedelta(days=2)
#: Reasons kept of each Datastream; the rest is counted.
_SHOWN = 5


@dataclass(kw_only=True, slots=True)
class PulledStream:
    """What became of a Datastream.

    Attributes
    ----------
    id, name
        As the service calls it.
    sensor, variable, depth_m
        What it is of.
    added, known, conflicts
        New readings, exact duplicates, and other values for a time that has one
        (the stored value stays).
    flagged
        Readings that carry a quality flag.
    refused
        Observations set aside.
    reasons
        Why, of the first few.
    problem
        Why it was left before its end; empty if it was not.
    """

    id: str
    name: str
    sensor: str
    variable: str
    depth_m: float | None
    added: int = 0
    known: int = 0
    conflicts: int = 0
    flagged: int = 0
    refused: int = 0
    reasons: list[Refused] = field(default_factory=list)
    problem: str = ""


@dataclass(kw_only=True, slots=True)
class Pulled:
    """What became of a service.

    Attributes
    ----------
    service
        Its root.
    streams
        Datastreams that are understood, as far as they were asked for.
    problems
        Why others are not.
    stopped
        Why the rest was not asked for; empty if nothing is left.
    documents, bytes
        What was read.
    """

    service: str
    streams: list[PulledStream] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stopped: str = ""
    documents: int = 0
    bytes: int = 0


def pull(
    url: str,
    store: Store,
    *,
    now: datetime,
    mapping: ServiceMapping | None = None,
    since: datetime | None = None,
    allow_hosts: tuple[str, ...] = (),
    limits: Limits | None = None,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Pulled:
    """Ask a service for what is new, and store it.

    Parameters
    ----------
    url
        Root of the service.
    store
        Keeps readings; its newest of each series says where to begin.
    now
        What claims to be more than a day later is set aside.
    mapping
        What the names of the service mean.
    since
        Ask for everything later than this, whatever is stored already.
    allow_hosts
        Hosts that may stand for an address in this machine's own network; see
        `Reach`. The service's own may where it is spelled as such.
    limits
        How much the service may cost.
    tell
        Called with the number of Datastreams done and of all.

    Returns
    -------
    Pulled
        A Datastream that fails never stops the others.

    Raises
    ------
    ConfigurationError, DataError, SourceError
        The service does not say what it measures.
    """
    done = Pulled(service=url)
    with _open_session(allow_hosts) as session:
        service = Service(url, session, limits=limits)
        done.service = service.root
        client = Client(service, mapping)
        streams, problems = client.find_streams()
        done.problems = [str(problem) for problem in problems]
        newest = store.newest_readings({stream.sensor.id for stream in streams})
        for place, stream in enumerate(streams):
            tell(place, len(streams))
            start = since or _resume(newest.get(stream.series), now)
            try:
                done.streams.append(_begin(stream))
                _pull_stream(client, stream, store, start, now, done.streams[-1])
            except SourceError as error:
                done.stopped = str(error)
                break
            except (ConfigurationError, DataError) as error:
                done.streams[-1].problem = str(error)
        done.documents, done.bytes = service.documents, service.bytes
    return done


def _pull_stream(
    client: Client,
    stream: Stream,
    store: Store,
    start: datetime | None,
    now: datetime,
    told: PulledStream,
) -> None:
    for page in client.read_observations(stream, since=start, now=now):
        # A page a transaction: what is stored is all up to its newest reading.
        added, flagged = keep([stream.sensor], page.readings, store)
        told.added += added.added
        told.known += added.known
        told.conflicts += added.conflicts
        told.flagged += flagged
        told.refused += len(page.refused)
        told.reasons += page.refused[: _SHOWN - len(told.reasons)]


def _begin(stream: Stream) -> PulledStream:
    return PulledStream(
        id=stream.id,
        name=stream.name,
        sensor=stream.sensor.id,
        variable=str(stream.variable),
        depth_m=stream.depth_m,
    )


def _resume(newest: datetime | None, now: datetime) -> datetime | None:
    # A reading from the future, stored by other ways, must not stop the pulling.
    return None if newest is None else min(newest, now) - OVERLAP


def _open_session(allow_hosts: tuple[str, ...]) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(
            scheme, GuardedAdapter(Reach(allow_hosts=allow_hosts), max_retries=0)
        )
    return session
