"""Where a command's log goes, and what its last line says."""

import logging
import os
import sys
from pathlib import Path
from types import TracebackType

from agroforest.core.errors import AgroforestError
from agroforest.core.logs import (
    FILE_VARIABLE,
    FORMAT_VARIABLE,
    VERBOSE_VARIABLE,
    LogFormat,
    TextFormatter,
    is_news,
    open_json_stream,
    open_log_file,
    read_format,
)
from agroforest.core.redaction import redact

_log = logging.getLogger(__name__)


def begin_logging(*, form: str, path: Path | None, verbose: bool) -> None:
    """Set handlers; worker processes that this one starts do the same.

    Parameters
    ----------
    form
        ``text`` or ``json``, of standard error and of the file.
    path
        File besides standard error; it gets what ``--verbose`` says, too.
    verbose
        Whether standard error says more.

    Raises
    ------
    ConfigurationError
        There is no such format, or the file cannot be written.
    """
    written = read_format(form)
    as_json = written is LogFormat.JSON
    said = open_json_stream(verbose=verbose) if as_json else _words(verbose=verbose)
    handlers = [said]
    if path is not None:
        handlers.append(open_log_file(path, written))
    tell_workers = {
        FORMAT_VARIABLE: str(written) if as_json else "",
        FILE_VARIABLE: "" if path is None else str(path.absolute()),
        VERBOSE_VARIABLE: "1" if verbose else "",
    }
    for name, value in tell_workers.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    if as_json:
        sys.excepthook = _tell_unexpected
    logging.captureWarnings(as_json)
    level = min(handler.level for handler in handlers)
    logging.basicConfig(level=level, handlers=handlers)
    for handler in handlers:
        if handler.level > logging.INFO or path is not None:
            handler.addFilter(is_news)


def tell_error(error: AgroforestError) -> None:
    """Say what ended a command: one line, of JSON where the log is."""
    if os.environ.get(FORMAT_VARIABLE) == LogFormat.JSON:
        _log.error("%s", error)
        return
    sys.stderr.write(f"agroforest: {redact(str(error))}\n")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            record = _log.makeRecord(
                __name__, logging.ERROR, __file__, 0, "%s", (error,), None
            )
            handler.handle(record)


def _tell_unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("ended by %s", kind.__name__, exc_info=(kind, error, trace))


def _words(*, verbose: bool) -> logging.Handler:
    from rich.console import Console
    from rich.logging import RichHandler

    level = logging.INFO if verbose else logging.WARNING
    handler = RichHandler(level, console=Console(stderr=True), show_path=False)
    handler.setFormatter(TextFormatter("%(message)s"))
    return handler
