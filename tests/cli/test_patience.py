"""How long commands wait for a database that stands still."""

from pathlib import Path

import pytest
from tests.valves.test_broker import read

from agroforest.cli.listen import listen
from agroforest.cli.valves_database import open_valves
from agroforest.core.errors import SourceError
from agroforest.store import PROMPT_S
from agroforest.testing.servers import Mosquitto

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("mosquitto")]
_URL = "postgresql://gx@nowhere/x"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, float | None]]:
    """What databases are asked for, and with what patience; there is none."""
    asked: list[tuple[object, float | None]] = []

    def open_nothing(url: object, silence_s: float | None = None) -> None:
        asked.append((url, silence_s))
        raise SourceError(url, "is not there", "start it")

    monkeypatch.setattr("agroforest.store.open_store", open_nothing)
    return asked


def test_valves_do_not_wait_for_ten_minutes(
    tmp_path: Path, opened: list[tuple[object, float | None]]
) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        settings = read(tmp_path, broker).model_copy(update={"database": _URL})
    with pytest.raises(SourceError, match="is not there"):
        open_valves(settings, tmp_path / "valves.toml", tmp_path)
    assert opened == [(_URL, PROMPT_S)]


def test_the_listener_does_not_wait_for_ten_minutes(
    tmp_path: Path, opened: list[tuple[object, float | None]]
) -> None:
    config = tmp_path / "listen.toml"
    config.write_text(
        f'database = "{_URL}"\n[[broker]]\nname = "farm"\nhost = "127.0.0.1"\n'
        '[[broker.topic]]\nfilter = "v3/+/devices/+/up"\nkind = "ttn"\n'
    )
    with pytest.raises(SourceError, match="is not there"):
        listen(config, work=tmp_path)
    assert opened == [(_URL, PROMPT_S)]
