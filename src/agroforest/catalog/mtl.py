"""MTL files, which describe Landsat products: groups of keys, in three spellings."""

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from agroforest.catalog.markup import local_name, read_xml
from agroforest.core.errors import DataError

_DELIVER = "deliver the product whole"

#: Values as text, by group and key.
Groups = Mapping[str, Mapping[str, str]]


def read_groups(path: Path) -> Groups:
    """Read an MTL file, spelled as its ending says: txt, JSON or XML.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    ending = path.suffix.lower()
    if ending == ".xml":
        return _from_xml(read_xml(path))
    try:
        text = path.read_text(encoding="utf-8")
        groups = _from_json(text) if ending == ".json" else _from_odl(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            path, f"not readable as an MTL file ({error})", "deliver it again"
        ) from error
    return groups


def _from_json(text: str) -> Groups:
    root = json.loads(text)
    inner = root.get("LANDSAT_METADATA_FILE", root) if isinstance(root, dict) else {}
    return {
        name: {key: str(value) for key, value in group.items()}
        for name, group in inner.items()
        if isinstance(group, dict)
    }


def _from_xml(root: Element) -> Groups:
    return {
        local_name(group): {local_name(e): (e.text or "").strip() for e in group}
        for group in root
    }


def _from_odl(text: str) -> Groups:
    """Read groups of Object Description Language (``KEY = value`` lines)."""
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            current = groups.setdefault(value, {})
        elif key == "END_GROUP":
            current = {}
        elif equals:
            current[key] = value.strip('"')
    return groups


def get_group(groups: Groups, name: str, path: Path) -> Mapping[str, str]:
    """One group; `DataError` without it."""
    if name not in groups:
        raise DataError(path, f"has no group {name}", _DELIVER)
    return groups[name]


def get_value(group: Mapping[str, str], key: str, path: Path) -> str:
    """One value; `DataError` without it."""
    if key not in group:
        raise DataError(path, f"states no {key}", _DELIVER)
    return group[key]


def get_number(group: Mapping[str, str], key: str, path: Path) -> float:
    """One value as a number; `DataError` without it, or if it is none."""
    return read_number(get_value(group, key, path), path)


def read_number(text: str, path: Path) -> float:
    """Read a number; `DataError` if it is none."""
    try:
        return float(text)
    except ValueError as error:
        raise DataError(path, f"{text[:40]!r} is no number", _DELIVER) from error
