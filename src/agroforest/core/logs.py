"""Log records as lines: words for people, JSON for programs; never a secret.

Libraries only call ``getLogger(__name__)``. Handlers are set by the command line, and
by a worker process that it started: what the variables below say goes along.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from logging.handlers import WatchedFileHandler
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.core.log_context import read_facts
from agroforest.core.redaction import redact

#: ``text`` or ``json``; a file besides standard error; whether to say more there.
FORMAT_VARIABLE = "AGROFOREST_LOG_FORMAT"
FILE_VARIABLE = "AGROFOREST_LOG_FILE"
VERBOSE_VARIABLE = "AGROFOREST_VERBOSE"


class LogFormat(StrEnum):
    """How records are written."""

    TEXT = "text"
    JSON = "json"


class TextFormatter(logging.Formatter):
    """Words, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        time = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            **read_facts(),
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = redact(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def open_log_file(path: Path, form: LogFormat) -> logging.Handler:
    """Open a file that several processes add lines to, and that may be rotated.

    Raises
    ------
    ConfigurationError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            path,
            f"cannot be written ({error.strerror})",
            "give another --log-file",
        ) from error
    handler.setFormatter(build_formatter(form, timed=True))
    handler.setLevel(logging.INFO)
    return handler


def open_json_stream(*, verbose: bool) -> logging.Handler:
    """Open standard error for JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    return handler


def build_formatter(form: LogFormat, *, timed: bool = False) -> logging.Formatter:
    """Build the formatter; `timed` text begins with time, level and logger."""
    if form is LogFormat.JSON:
        return JsonFormatter()
    if timed:
        return TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    return TextFormatter("%(message)s")


def read_format(written: str) -> LogFormat:
    """Read the name of a format.

    Raises
    ------
    ConfigurationError
        It is none.
    """
    try:
        return LogFormat(written)
    except ValueError:
        raise ConfigurationError(
            "--log-format", f"{written!r} is none", "give text or json"
        ) from None


@cache
def begin_worker_logging() -> None:
    """Log in this process as the command that started it does.

    For worker processes; called by each task, done once. Where neither JSON nor a file
    was asked for, or somebody has set handlers, nothing changes.
    """
    form = read_format(os.environ.get(FORMAT_VARIABLE) or LogFormat.TEXT)
    path = os.environ.get(FILE_VARIABLE)
    root = logging.getLogger()
    if root.handlers or not (path or form is LogFormat.JSON):
        return
    handlers: list[logging.Handler] = []
    if form is LogFormat.JSON:
        handlers.append(
            open_json_stream(verbose=bool(os.environ.get(VERBOSE_VARIABLE)))
        )
    if path:
        handlers.append(open_log_file(Path(path), form))
    for handler in handlers:
        handler.addFilter(is_news)
        root.addHandler(handler)
    root.setLevel(min(handler.level for handler in handlers))


def is_news(record: logging.LogRecord) -> bool:
    """Leave out how worker processes end, and what GDAL finds odd in a file.

    Lost tasks and files that cannot be read are reported by ourselves.
    """
    own = not record.name.startswith(("distributed", "rasterio"))
    return own or record.levelno >= logging.ERROR
