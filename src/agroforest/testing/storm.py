"""A bad night for a listener: killed, its broker restarted, messages doubled.

Used by a test with few messages and by a benchmark with many.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from agroforest.store import Store, open_store
from agroforest.testing.servers import Mosquitto
from agroforest.testing.uplinks import START, SentUplink, build_uplinks

_PATIENCE_S = 120.0
#: Seconds without a message after which the rest counts as lost.
_SILENCE_S = 60.0
#: Messages that are sent before the broker has taken the first.
_PORTION = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Storm:
    """What happens, and how often.

    Attributes
    ----------
    uplinks, probes
        Different messages, and probes that send them.
    copies
        How often each is sent.
    kills
        How often the listener is killed (SIGKILL).
    restarts
        How often the broker is restarted.
    seed
        Of the order of messages and the moments of kills.
    """

    uplinks: int
    probes: int
    copies: int
    kills: int
    restarts: int
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Aftermath:
    """What the database holds when it is over.

    Attributes
    ----------
    readings, different
        Rows, and different keys of readings among them.
    dead
        Dead letters.
    messages
        Messages that the consumer read, doubled ones too: every delivery, and those
        that came again because a listener was killed before it could acknowledge.
    seconds
        From the first message to the last row.
    """

    readings: int
    different: int
    dead: int
    messages: int
    seconds: float


def write_settings(path: Path, port: int, more: str = "") -> Path:
    """Write settings of a listener to one broker of this machine."""
    path.write_text(
        f'{more}\n[[broker]]\nname = "farm"\nhost = "127.0.0.1"\nport = {port}\n'
        'topic = [{ filter = "v3/+/devices/+/up", kind = "ttn" }]\n'
    )
    return path


class Listener:
    """``agroforest sensors listen`` as a process that can be killed.

    Parameters
    ----------
    config
        Its settings.
    work
        The work folder.
    log
        Where its standard output and error go.
    """

    def __init__(self, config: Path, work: Path, log: Path) -> None:
        self._command = [
            *(sys.executable, "-m", "agroforest", "sensors", "listen", str(config)),
            *("--work", str(work), "--json"),
        ]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, until: str = '"farm": true') -> None:
        """Start it, and wait until it has said `until`."""
        with self._log.open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  our own program
                self._command, stdout=log, stderr=log
            )
        wait_for(partial(self._has_said, until.encode(), begin), until)

    def _has_said(self, words: bytes, begin: int) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the listener ended; see {self._log}")
        return words in self._log.read_bytes()[begin:]

    def kill(self) -> None:
        """Kill it: no handler runs, nothing is flushed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_PATIENCE_S)


def weather(
    storm: Storm, folder: Path, database: str | Path | None = None
) -> Aftermath:
    """Let it happen, and wait until every message is read."""
    random_ = random.Random(storm.seed)  # noqa: S311  no secret
    sent = list(build_uplinks(storm.uplinks, probes=storm.probes)) * storm.copies
    random_.shuffle(sent)
    work = folder / "work"
    more = f'database = "{database}"\n' if database is not None else ""
    with Mosquitto(folder / "broker") as broker:
        config = write_settings(folder / "listen.toml", broker.port, more)
        listener = Listener(config, work, folder / "listener.log")
        listener.start()
        begin = time.monotonic()
        sender = _Sender(broker.port, sent)
        sender.start()
        events = ["kill"] * storm.kills + ["restart"] * storm.restarts
        random_.shuffle(events)
        for number, event in enumerate(events):
            # In the middle of a portion, so that something is on its way.
            sender.allow((number + 1) / (len(events) + 1))
            sender.wait_for_share((number + random_.random()) / (len(events) + 1))
            if event == "kill":
                listener.kill()
                listener.start()
            else:
                broker.restart()
        sender.allow(1)
        sender.join()
        store = open_store(database or work / "agroforest.db")
        spool = (work / "spool" / "id").read_text().strip()
        _wait_for_all(store, spool, storm)
        seconds = time.monotonic() - begin
        listener.stop()
    with store:
        state = store.spools.spool_state(spool)
        names = [sensor.id for sensor in store.sensors()]
        found = store.readings(names, START, START + timedelta(days=36_500))
        return Aftermath(
            readings=len(found),
            different=len({reading.key for reading in found}),
            dead=store.spools.count_dead(),
            messages=state.messages if state is not None else 0,
            seconds=seconds,
        )


def _wait_for_all(store: Store, spool: str, storm: Storm) -> None:
    """Wait until every delivery is read, or none has been for long."""
    wanted = storm.uplinks * storm.copies
    seen, since = -1, time.monotonic()
    while seen < wanted and time.monotonic() - since < _SILENCE_S:
        state = store.spools.spool_state(spool)
        if state is not None and state.messages != seen:
            seen, since = state.messages, time.monotonic()
        time.sleep(0.1)


class _Sender(threading.Thread):
    """Sends with QoS 1, as fast as the broker takes it, and over its restarts."""

    def __init__(self, port: int, sent: Sequence[SentUplink]) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._sent = sent
        self._done = 0
        self._allowed = 0.0

    def allow(self, share: float) -> None:
        """Let it send so much of the messages."""
        self._allowed = share

    def run(self) -> None:
        from paho.mqtt.client import Client  # noqa: PLC0415  an extra
        from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

        client = Client(
            CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False
        )
        client.max_inflight_messages_set(200)
        client.reconnect_delay_set(1, 1)
        # Not what `publish` returns: that gives up when the broker goes away,
        # though the message is sent when it is back.
        client.on_publish = self._count
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        for start in range(0, len(self._sent), _PORTION):
            while start >= self._allowed * len(self._sent):
                time.sleep(0.01)
            some = self._sent[start : start + _PORTION]
            for each in some:
                client.publish(each.topic, each.payload, qos=1)
            wait_for(partial(self._has_done, start + len(some)), "the broker")
        client.disconnect()
        client.loop_stop()

    def _count(self, *_: object) -> None:
        self._done += 1

    def _has_done(self, count: int) -> bool:
        return self._done >= count

    def wait_for_share(self, share: float) -> None:
        """Wait until so much of the messages was taken by the broker."""
        wait_for(
            lambda: self._done >= share * len(self._sent) or not self.is_alive(),
            f"{share:.0%} of the messages",
            10 * _PATIENCE_S,
        )


def wait_for(
    is_true: Callable[[], bool], what: str, seconds: float = _PATIENCE_S
) -> None:
    """Wait until something is so.

    Raises
    ------
    TimeoutError
        It is not, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)
