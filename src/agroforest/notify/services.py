"""Whatever else apprise knows: a hundred services, by their URLs.

What they answer is lost on the way, so a message that is not taken is tried again as
often as the settings say, and none is known to be refused for good.
"""

import re
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, NotifyFormat

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.notify.channel import Outgoing, Receipt
from agroforest.notify.settings import ChannelSection

#: Stands for the account's address in a URL.
_TO = "{to}"
_PLAIN = re.compile(r"[\w+@.:-]{1,254}", re.ASCII)


class Service:
    """A service by its URL.

    Parameters
    ----------
    name, section
        In the settings.
    address
        apprise's URL; ``{to}`` in it stands for the account's address.

    Raises
    ------
    ConfigurationError
        apprise does not know such a URL.
    """

    def __init__(self, name: str, section: ChannelSection, address: str) -> None:
        self._name = name
        self._address = address
        del section  # apprise has its own time limits
        # Redirects would lead where the operator did not say.
        self._asset = AppriseAsset(
            app_id="agroforest",
            async_mode=False,
            http_redirects=False,
            storage_mode="memory",
        )
        if self._open("000000") is None:
            raise ConfigurationError(
                f"channel {name}",
                "its URL is none that apprise knows",
                "see appriseit.com/services",
            )

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hand it to apprise."""
        where = f"channel {self._name}"
        if _TO in self._address and not _PLAIN.fullmatch(outgoing.to):
            raise DataError(
                where,
                "the account's address is not plain",
                "mend it: agroforest account",
            )
        service = self._open(outgoing.to)
        if service is None:
            raise DataError(
                where,
                "the account's address makes no URL that apprise knows",
                "mend it: agroforest account",
            )
        taken = service.notify(
            body=outgoing.body,
            title=outgoing.subject,
            body_format=NotifyFormat.TEXT,
        )
        if not taken:
            raise SourceError(where, "did not take the message", "it is tried again")
        return Receipt()

    def _open(self, to: str) -> Apprise | None:
        service = Apprise(asset=self._asset)
        address = self._address.replace(_TO, quote(to, safe=""))
        return service if service.add(address) else None
