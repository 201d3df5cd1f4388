"""What one check of the doctor found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How grave it is."""

    OK = "ok"
    WARN = "warn"  #: somebody should look
    FAIL = "fail"  #: nights fail, or results are wrong


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    check
        What was looked at, in a word.
    level
        How grave.
    zh, en
        What it is like.
    fix
        A command, or an instruction; empty where all is well.
    """

    check: str
    level: Level
    zh: str
    en: str
    fix: str = ""

    def plain(self) -> dict[str, str]:
        """As plain values."""
        return {
            "check": self.check,
            "level": str(self.level),
            "zh": self.zh,
            "en": self.en,
            "fix": self.fix,
        }


def well(check: str, zh: str, en: str) -> Finding:
    """All is well."""
    return Finding(check=check, level=Level.OK, zh=zh, en=en)


def warn(check: str, zh: str, en: str, fix: str) -> Finding:
    """Somebody should look."""
    return Finding(check=check, level=Level.WARN, zh=zh, en=en, fix=fix)


def fail(check: str, zh: str, en: str, fix: str) -> Finding:
    """Nights fail, or results are wrong."""
    return Finding(check=check, level=Level.FAIL, zh=zh, en=en, fix=fix)
