"""Products that could not be catalogued, remembered until they are mended."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.files import write_text

_NAME = "refused.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """What a catalogue would not take.

    Attributes
    ----------
    root
        Folder of the local catalogue; the list is kept beside its items.
    """

    root: Path

    def read(self) -> list[DataError]:
        """Read what stands refused, in order of the file at fault."""
        path = self.root / _NAME
        if not path.is_file():
            return []
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [DataError(e["where"], e["problem"], e["remedy"]) for e in entries]

    def update(self, tried: Iterable[Path], refused: Iterable[DataError]) -> None:
        """Replace what is known of some products.

        Parameters
        ----------
        tried
            Products that were read just now; whatever was refused in them before
            is forgotten.
        refused
            What was refused this time.
        """
        folders = tuple(tried)
        kept = {
            e.where: e
            for e in self.read()
            if not any(Path(e.where).is_relative_to(f) for f in folders)
        }
        kept |= {e.where: e for e in refused}
        path = self.root / _NAME
        if not kept and not path.exists():
            return
        entries = [
            {"where": e.where, "problem": e.problem, "remedy": e.remedy}
            for _, e in sorted(kept.items())
        ]
        text = json.dumps(entries, ensure_ascii=False, indent=1) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
