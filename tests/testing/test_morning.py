"""The demonstration's morning without a browser: what it leaves, and opened again."""

from pathlib import Path

import pytest

from agroforest.cli.demo import demo
from agroforest.core.account import Role
from agroforest.core.errors import ConfigurationError
from agroforest.desk.settings import read_desk
from agroforest.testing.morning import open_morning
from agroforest.testing.world import World, build_world
from agroforest.web.serve import open_socket

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]
LINK = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("morning") / "world"
    return build_world(folder, size=64, years=1.2)


def test_a_farmer_is_told_once_however_often_it_is_opened(world: World) -> None:
    work = world.folder.parent
    with open_morning(work, world, link=LINK) as first:
        told = [str(letter["Subject"]) for letter in first.mailbox.letters]
        passwords = {p.account.name: p.password for p in first.people}
        farmer = first.person(Role.FARMER).account
        ends = first.clock()
    assert told
    assert all(subject.startswith("【模拟】灌溉建议") for subject in told)
    assert 1 <= len(farmer.parcels) <= 3
    with open_morning(work, world, link=LINK) as again:
        assert not again.mailbox.letters
        assert again.clock() >= ends
        for person in again.people:
            assert person.password != passwords[person.account.name]
        assert again.store.desk.check_audit() > 0


def test_its_settings_open_without_the_demonstration(world: World) -> None:
    work = world.folder.parent
    with open_morning(work, world, link=LINK) as morning:
        settings = read_desk(morning.settings)
        text = morning.settings.read_text("utf-8")
    assert settings.notify.simulated
    assert set(settings.notify.channels) == {"mail", "duty-room"}
    assert str(work) not in text
    assert "127.0.0.1:25" not in text


def test_a_port_that_is_taken_costs_no_minutes(tmp_path: Path) -> None:
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=str(port)):
            demo(work=tmp_path / "work", serve=True, port=port)
    assert not (tmp_path / "work").exists()
