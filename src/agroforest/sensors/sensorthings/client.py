"""A SensorThings service, asked for what is new."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.reading import Reading
from agroforest.sensors.record import Refused
from agroforest.sensors.sensorthings.entities import (
    Datastream,
    Thing,
    read_datastream,
    read_observation,
    read_thing,
)
from agroforest.sensors.sensorthings.mapping import ServiceMapping, StreamSection
from agroforest.sensors.sensorthings.meaning import Stream, find_meaning
from agroforest.sensors.sensorthings.transport import Service

#: Entities a page; servers give fewer if they like (OGC 18-088, 9.3.3.5).
_PAGE = 1000
#: A clock may be wrong by this much; what is later never happened. Were it kept,
#: it would be the newest reading, and nothing would be new ever after.
_AHEAD = timedelta(days=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
_NEEDED = ("Things", "Datastreams", "Observations")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of a Datastream's Observations.

    Attributes
    ----------
    readings
        In order of time.
    refused
        What was set aside; the line is its place in the Datastream, from 1.
    """

    readings: tuple[Reading, ...]
    refused: tuple[Refused, ...]


class Client:
    """Asks one service.

    Parameters
    ----------
    service
        Where and within which limits.
    mapping
        What its names mean.
    """

    def __init__(self, service: Service, mapping: ServiceMapping | None = None) -> None:
        self._service = service
        self._mapping = mapping or ServiceMapping()

    def find_streams(self) -> tuple[list[Stream], list[ConfigurationError | DataError]]:
        """Ask for everything that is measured.

        Returns
        -------
        tuple
            Datastreams that are understood, and why the others are not.

        Raises
        ------
        ConfigurationError
            It is no SensorThings service, or refuses to answer.
        SourceError
            It does not answer.
        DataError
            Its answer is damaged.
        """
        self._check_root()
        things = self._find_things()
        found: dict[tuple[object, ...], Stream] = {}
        problems: list[ConfigurationError | DataError] = []
        query = {"$expand": "Thing,ObservedProperty"}
        for place, fields in enumerate(self._read_all("Datastreams", query), 1):
            try:
                stream = self._read_stream(fields, place, things)
            except (ConfigurationError, DataError) as error:
                problems.append(error)
                continue
            if stream is None:
                continue
            twin = found.setdefault(stream.series, stream)
            if twin is not stream:
                problems.append(
                    ConfigurationError(
                        f"Datastream {stream.id} ({stream.name})",
                        f"is of the same sensor, variable and depth as {twin.id}",
                        "state their depths under [datastreams.ID] of a mapping",
                    )
                )
        return list(found.values()), problems

    def read_observations(
        self, stream: Stream, *, since: datetime | None, now: datetime
    ) -> Iterator[Page]:
        """Read Observations, the oldest first, page by page.

        Parameters
        ----------
        stream
            Of this service.
        since
            Only later ones; all unless given.
        now
            What claims to be more than a day later is set aside.

        Raises
        ------
        DataError
            The pages lead elsewhere or in a circle, or are not in the order of
            time that was asked for.
        SourceError, ConfigurationError
            As `Service.read`.
        """
        query = {"$orderby": "phenomenonTime asc", "$top": str(_PAGE)}
        if since is not None:
            query["$filter"] = f"phenomenonTime gt {_write_time(since)}"
        seen, latest = 0, _NEVER
        for value in self._read_pages(self._observations(stream), query):
            page, latest = _read_page(value, stream, seen + 1, latest, now + _AHEAD)
            seen += len(value)
            yield page

    def _check_root(self) -> None:
        document = self._service.read(self._service.root)
        sets = document.get("value")
        names = {
            each.get("name")
            for each in (sets if isinstance(sets, list) else ())
            if isinstance(each, dict) and isinstance(each.get("name"), str)
        }
        if not names.issuperset(_NEEDED):
            raise ConfigurationError(
                self._service.root,
                f"lists no {', '.join(n for n in _NEEDED if n not in names)}",
                "give the root of a SensorThings 1.1 service, ending in /v1.1",
            )

    def _find_things(self) -> dict[str, Thing]:
        found: dict[str, Thing] = {}
        for fields in self._read_all("Things", {"$expand": "Locations"}):
            try:
                thing = read_thing(fields)
            except ValueError:
                continue  # its Datastreams say so
            found[thing.id] = thing
        return found

    def _read_stream(
        self, fields: object, place: int, things: dict[str, Thing]
    ) -> Stream | None:
        try:
            stream: Datastream = read_datastream(fields)
        except ValueError as error:
            raise DataError(
                f"Datastream number {place}", str(error), "leave it out"
            ) from error
        if self._mapping.datastreams.get(stream.id, StreamSection()).skip:
            return None
        thing = things.get(stream.thing)
        if thing is None:
            raise DataError(
                f"Datastream {stream.id} ({stream.name})",
                f"is of Thing {stream.thing!r}, which cannot be read",
                "tell whoever runs the service",
            )
        return find_meaning(stream, thing, self._mapping, host=self._service.host)

    def _observations(self, stream: Stream) -> str:
        root = f"{self._service.root}/"
        if stream.link is not None:
            try:
                return self._service.resolve(stream.link, root)
            except DataError:
                pass  # behind a proxy, services often do not know their address
        return f"{root}{stream.path}/Observations"

    def _read_all(self, name: str, query: dict[str, str]) -> Iterator[object]:
        address = f"{self._service.root}/{name}"
        count = 0
        for value in self._read_pages(address, query | {"$top": str(_PAGE)}):
            count += len(value)
            if count > self._service.limits.entities:
                raise DataError(
                    self._service.root,
                    f"has more than {self._service.limits.entities} {name}",
                    "give the address of a smaller service",
                )
            yield from value

    def _read_pages(self, address: str, query: dict[str, str]) -> Iterator[list[Any]]:
        at = f"{address}{'&' if '?' in address else '?'}{urlencode(query, safe='$,')}"
        followed = {at}
        while True:
            document = self._service.read(at)
            value = document.get("value")
            if not isinstance(value, list):
                raise DataError(
                    self._service.root, "sent a page without a list", "try again later"
                )
            yield value
            following = document.get("@iot.nextLink")
            if following is None:
                return
            at = self._service.resolve(following, at)
            if at in followed:
                raise DataError(
                    self._service.root,
                    "its pages lead in a circle",
                    "tell whoever runs the service",
                )
            followed.add(at)


def _read_page(
    value: list[Any], stream: Stream, first: int, latest: datetime, end: datetime
) -> tuple[Page, datetime]:
    """Read a page; with it, the latest beginning of an Observation so far."""
    readings: list[Reading] = []
    refused: list[Refused] = []
    for place, fields in enumerate(value, first):
        try:
            one = read_observation(fields, end=end)
            reading = stream.build_reading(one)
        except ValueError as error:
            refused.append(Refused(line=place, reason=str(error)))
            continue
        if one.start < latest:
            raise DataError(
                f"Datastream {stream.id} ({stream.name})",
                f"{one.start.isoformat()} follows {latest.isoformat()}, "
                "though order of time was asked for",
                "tell whoever runs the service",
            )
        latest = one.start
        readings.append(reading)
    return Page(readings=tuple(readings), refused=tuple(refused)), latest


def _write_time(time: datetime) -> str:
    written = time.astimezone(UTC).isoformat(timespec="microseconds")
    return written.replace("+00:00", "Z")
