"""Which rule reads a message: by the broker and topic, or the path, it came by.

Sources are looked up when a message is decoded and not when it comes in, so that a
message which came while the settings were wrong is read rightly when replayed.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from agroforest.core.errors import DataError
from agroforest.listen.settings import ListenSettings, Route

#: Of a topic ``$share/GROUP/FILTER`` only the last part is compared.
_SHARED = "$share"
_KNOWN_SOURCES = 16_384


class Routes:
    """The rules of a file of settings.

    Parameters
    ----------
    settings
        With its brokers and its webhook.
    """

    def __init__(self, settings: ListenSettings) -> None:
        self._topics = {
            broker.name: tuple((_strip_group(t.filter), t) for t in broker.topic)
            for broker in settings.broker
        }
        paths = settings.webhook.path if settings.webhook is not None else ()
        self._paths: dict[str, Route] = {p.path: p for p in paths}
        self._cached = lru_cache(_KNOWN_SOURCES)(self._find)

    def find(self, source: str) -> Route:
        """Find the rule of a source.

        Raises
        ------
        DataError
            There is none.
        """
        route = self._cached(source)
        if route is None:
            raise DataError(
                source, "no topic or path of the settings fits", "add one, then replay"
            )
        return route

    def _find(self, source: str) -> Route | None:
        way, _, rest = source.partition("/")
        if way == "http":
            return self._paths.get(urlsplit(f"/{rest}").path)
        broker, _, topic = rest.partition("/")
        return next(
            (t for f, t in self._topics.get(broker, ()) if matches(f, topic)), None
        )


def build_mqtt_source(broker: str, topic: str) -> str:
    """Name of what comes by a topic."""
    return f"mqtt/{broker}/{topic}"


def build_http_source(path: str, event: str) -> str:
    """Name of what is posted to a path (``/ttn``), with the event it announces."""
    return f"http{path}?event={event}" if event else f"http{path}"


def find_topic(source: str) -> str:
    """Topic of a message that came by MQTT; the path of another one."""
    way, _, rest = source.partition("/")
    return rest.partition("/")[2] if way == "mqtt" else rest.partition("?")[0]


def find_event(source: str) -> str:
    """Last word of a source, by which servers tell uplinks from other news."""
    if source.startswith("http/"):
        return source.partition("?event=")[2]
    return source.rpartition("/")[2]


def matches(wanted: str, topic: str) -> bool:
    """Whether a topic fits a filter (MQTT 5.0, 4.7)."""
    parts, levels = wanted.split("/"), topic.split("/")
    if topic.startswith("$") and parts[0] in {"#", "+"}:
        return False
    for index, part in enumerate(parts):
        if part == "#":
            return True
        if index >= len(levels) or part not in {"+", levels[index]}:
            return False
    return len(parts) == len(levels)


def _strip_group(wanted: str) -> str:
    parts = wanted.split("/", 2)
    return parts[2] if parts[0] == _SHARED and len(parts) == 3 else wanted
