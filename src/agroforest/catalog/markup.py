"""Product XML whose namespaces and nesting change from version to version."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree

from agroforest.core.errors import DataError

# Real metadata stay under 2 MB (tile angles); arbitrary, keeps a bomb out.
_MAX_BYTES = 64 * 1024 * 1024


def read_xml(path: Path) -> Element:
    """Root of an XML file from outside.

    Raises
    ------
    DataError
        If it is missing, huge, not XML, or declares entities.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(path, "XML of more than 64 MB", "deliver it again")
        # At once: a parser that is fed in parts begins a long tag anew with each.
        root = defusedxml.ElementTree.fromstring(path.read_bytes())
    except (OSError, ParseError, ValueError, LookupError, RecursionError) as error:
        # defusedxml's refusals of entities are ValueErrors.
        problem = f"not readable as XML ({type(error).__name__}: {error})"
        raise DataError(path, problem, "deliver the file again") from error
    if root is None:
        raise DataError(path, "empty XML", "deliver the file again")
    return root


def local_name(element: Element) -> str:
    """Tag without namespace."""
    return element.tag.rpartition("}")[2]


def find_all(root: Element, *names: str) -> Iterator[Element]:
    """Elements at any depth whose local name is one of `names`."""
    return (element for element in root.iter() if local_name(element) in names)


def find_text(root: Element, *names: str) -> str | None:
    """Text of the first element that has one, trying `names` in order."""
    for name in names:
        for element in find_all(root, name):
            if element.text and element.text.strip():
                return element.text.strip()
    return None
