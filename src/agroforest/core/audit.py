"""Who did what, as it is kept for good (`agroforest.core.chain`).

Valves have a chain of their own (`agroforest.core.valve`), for their interlock reads
it at every step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that was done.

    Attributes
    ----------
    time
        When.
    who
        Name of the account, or ``night``, ``desk``.
    what
        ``case.confirm``, ``message.sent``, ``threshold.taken``, ``model.changed``,
        ``account.created``, ``token.created``, ...
    subject
        Id of what it was done to.
    why
        The reason, in words.
    before, after
        What changed, plain values.
    """

    time: datetime
    who: str
    what: str
    subject: str
    why: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def tell(self) -> Sequence[Any]:
        """Give all that it says, see `agroforest.core.chain.Linked`."""
        return (
            *(self.time.astimezone(UTC).isoformat(), self.who, self.what),
            *(self.subject, self.why, dict(self.before), dict(self.after)),
        )
