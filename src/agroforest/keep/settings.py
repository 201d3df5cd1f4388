"""Files that pipelines are defined by: small ones travel with a backup.

Everything that a TOML file names and that is a small plain file beside or above it is
taken: the area, the desk's settings, tables. Secrets are not (`password_file`,
`token_file`), nor are measurements: what is large, a folder, a pattern of names, or
named by an absolute path is only listed.
"""

import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agroforest.core.errors import ConfigurationError

#: Larger files are inputs, not settings. Arbitrary; a county's outline has 2 MB.
LARGEST = 16 << 20


class Settings(NamedTuple):
    """What defines some pipelines.

    Attributes
    ----------
    files
        By the name they get in a backup; relative names in them stay true.
    left_out
        What they name and what is not taken, as written.
    """

    files: dict[str, Path]
    left_out: tuple[str, ...]


def find_settings(pipelines: Sequence[Path]) -> Settings:
    """Find the files that define pipelines, and those that they name.

    Raises
    ------
    ConfigurationError
        A definition cannot be read.
    """
    found: dict[Path, None] = {}
    left_out: dict[str, None] = {}
    waiting = [path.resolve() for path in pipelines]
    while waiting:
        path = waiting.pop(0)
        if path in found:
            continue
        found[path] = None
        if path.suffix != ".toml":
            continue
        for name, is_secret in _names(_read(path)):
            file = (path.parent / name).resolve()
            if is_secret or not _is_taken(name, file):
                if is_secret or "*" in name or file.exists():
                    left_out[name] = None
                continue
            waiting.append(file)
    if not found:
        return Settings({}, ())
    base = os.path.commonpath([file.parent for file in found])
    files = {file.relative_to(base).as_posix(): file for file in found}
    return Settings(files, tuple(left_out))


def _is_taken(name: str, file: Path) -> bool:
    return (
        not Path(name).is_absolute()
        and file.is_file()
        and file.stat().st_size <= LARGEST
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            path, f"cannot be read ({error.strerror})", "give the path of a file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(path, f"is not TOML ({error})", "mend it") from error


def _names(value: object, key: str = "") -> Iterator[tuple[str, bool]]:
    """Texts that may name a file, and whether what they name is a secret."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _names(below, str(name))
    elif isinstance(value, list):
        for below in value:
            yield from _names(below, key)
    elif isinstance(value, str) and 0 < len(value) < 1024 and value.isprintable():
        is_secret = key.endswith("_file") or key in {"key", "certificate"}
        if is_secret or "." in value or "/" in value:
            yield value, is_secret
