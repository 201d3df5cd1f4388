"""Records as JSON lines: what they are about, in this process and in others."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.core.log_context import carry, logged, read_facts
from agroforest.core.logs import (
    FILE_VARIABLE,
    FORMAT_VARIABLE,
    LogFormat,
    open_log_file,
    read_format,
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[logging.Logger, Path]]:
    path = tmp_path / "logs" / "nights.jsonl"
    logger = logging.getLogger("agroforest.tests.logs")
    handler = open_log_file(path, LogFormat.JSON)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger, path
    logger.removeHandler(handler)
    handler.close()


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_record_says_what_it_is_about(log: tuple[logging.Logger, Path]) -> None:
    logger, path = log
    with logged(run="r1", pipeline="south", night="2024-05-01"):
        with logged(tile="48QXJ", scene="S2B_1"):
            logger.warning("云 %s", "cloud\nover all")
        logger.info("after")
    logger.info("outside")
    first, second, third = read(path)
    assert first["time"].__class__ is str
    assert str(first["time"]).endswith("Z")
    assert first["level"] == "warning"
    assert first["message"] == "云 cloud\nover all"
    about = {k: first[k] for k in ("run", "pipeline", "night", "tile", "scene")}
    assert about == {
        "run": "r1",
        "pipeline": "south",
        "night": "2024-05-01",
        "tile": "48QXJ",
        "scene": "S2B_1",
    }
    assert "tile" not in second
    assert second["run"] == "r1"
    assert "run" not in third


def test_an_exception_is_one_string_without_secrets(
    log: tuple[logging.Logger, Path],
) -> None:
    logger, path = log
    try:
        int("postgresql://desk:hunter22@db/x")
    except ValueError:
        logger.exception("lost %s", "https://a:hunter22@b")
    (line,) = read(path)
    assert "ValueError" in str(line["exception"])
    assert "Traceback" in str(line["exception"])
    assert "hunter22" not in path.read_text("utf-8")


def test_what_a_record_is_about_goes_along_to_another_thread() -> None:
    seen: list[dict[str, str]] = []
    with logged(run="r1", tile="t"):
        carried = carry(lambda: seen.append(read_facts()))
    thread = threading.Thread(target=carried)
    thread.start()
    thread.join()
    assert seen == [{"run": "r1", "tile": "t"}]
    assert read_facts() == {}


def test_unknown_facts_are_a_mistake() -> None:
    with pytest.raises(TypeError, match="colour"), logged(colour="red"):
        pass


def test_a_file_may_be_rotated(log: tuple[logging.Logger, Path]) -> None:
    logger, path = log
    logger.info("before")
    path.rename(path.with_suffix(".1"))
    logger.info("after")
    assert [line["message"] for line in read(path)] == ["after"]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--log-file"):
        open_log_file(tmp_path, LogFormat.JSON)
    with pytest.raises(ConfigurationError, match="give text or json"):
        read_format("xml")


_WORKER = """
import logging
from agroforest.core.log_context import logged
from agroforest.core.logs import begin_worker_logging
begin_worker_logging()
begin_worker_logging()
with logged(tile="t7"):
    logging.getLogger("agroforest.x").error("once")
    logging.getLogger("distributed.nanny").warning("noise")
    logging.getLogger("agroforest.x").info("quiet")
"""


def test_a_worker_process_logs_as_it_was_told(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    told = {FORMAT_VARIABLE: "json", FILE_VARIABLE: str(path)}
    done = subprocess.run(  # noqa: S603  our own text
        [sys.executable, "-c", _WORKER],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=True,
    )
    (said,) = done.stderr.splitlines()
    assert json.loads(said)["tile"] == "t7"
    assert [line["message"] for line in read(path)] == ["once", "quiet"]
