"""One error tree; each leaf is one decision of the caller.

========================  =====================================================
error                     what the caller does
========================  =====================================================
`ConfigurationError`      stops and tells the operator (exit code 2)
`NoInputError`            stops: there is nothing to work on (exit code 5)
`LockedError`             stops: another run holds the work folder (exit code 4)
`FencedError`             writes nothing more: another has taken the tile over
`ConflictError`           shows what somebody else did first, and asks again
`ForbiddenError`          refuses: who asks may not do this
`SourceError`             tries again later; the source did not answer
`StorageError`            leaves the input out and tries again later
`DataError`               puts the input into quarantine and goes on
`ModelError`              refuses the model and falls back to the published rule
========================  =====================================================
"""


class AgroforestError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    where
        The file, URL, setting or id at fault.
    problem
        What is wrong, with the offending value in it.
    remedy
        The way out, as an instruction.
    """

    def __init__(self, where: object, problem: str, remedy: str) -> None:
        super().__init__(where, problem, remedy)
        self.where = str(where)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        """One line: where, what, and the way out."""
        return " ".join(f"{self.where}: {self.problem}; {self.remedy}".split())


class ConfigurationError(AgroforestError):
    """A setting, an AOI or a command line that cannot be acted on."""


class NoInputError(AgroforestError):
    """Nothing to work on: an empty catalogue, an AOI without scenes."""


class LockedError(AgroforestError):
    """Another run holds the work folder."""


class FencedError(AgroforestError):
    """Another worker has taken over what this one was at."""


class ConflictError(AgroforestError):
    """Somebody else acted first on what this was decided upon."""


class ForbiddenError(AgroforestError):
    """Whoever asks may not do this; somebody else may."""


class SourceError(AgroforestError):
    """A source did not answer; the same request may succeed later."""


class StorageError(SourceError):
    """The storage of a file does not deliver it; a disk or mount may come back."""


class DataError(AgroforestError):
    """An input that is damaged, contradictory or of the wrong kind."""


class ModelError(AgroforestError):
    """A model file that does not match its card or this program."""
