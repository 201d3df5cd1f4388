"""A JSON object posted to a program of the operator's, or to one that sends SMS."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from agroforest.core.errors import DataError, SourceError
from agroforest.notify.channel import Outgoing, Receipt
from agroforest.notify.posting import check_address, post
from agroforest.notify.settings import ChannelSection, Kind

_TEMPLATE: Mapping[str, Any] = {
    "key": "$key",
    "to": "$to",
    "case": "$case",
    "subject": "$subject",
    "text": "$text",
    "language": "$language",
    "link": "$link",
}
_WORD = re.compile(r"\$([a-z]+)")
_PHONE = re.compile(r"\+?[0-9]{5,20}")


class Webhook:
    """Posts an object made from a template.

    The header ``Idempotency-Key`` is the same whenever a message is sent again, so that
    a receiver that remembers it takes each message once. With a secret, the header
    ``X-Agroforest-Signature`` is ``sha256=`` and the HMAC of time, dot and body.

    Parameters
    ----------
    name, section
        In the settings.
    address, secret
        Where to, and what it is signed with; empty for no signature.
    """

    def __init__(
        self, name: str, section: ChannelSection, address: str, secret: str
    ) -> None:
        self._name = name
        self._section = section
        self._address = check_address(name, address, insecure=section.insecure)
        self._secret = secret.encode()

    def send(self, outgoing: Outgoing) -> Receipt:
        """Post it."""
        section = self._section
        if section.kind is Kind.SMS and not _PHONE.fullmatch(outgoing.to):
            raise DataError(
                f"channel {self._name}",
                "the account's address is no telephone number",
                "write it with digits alone: agroforest account",
            )
        document = fill(section.template or _TEMPLATE, outgoing)
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {"Idempotency-Key": outgoing.key} | self._sign(body)
        answer = post(
            self._name,
            self._address,
            body,
            headers=headers,
            timeout_s=section.timeout_s,
        )
        if section.reply_field:
            said = str(answer.get(section.reply_field, ""))
            if said != section.reply_value:
                raise SourceError(
                    f"channel {self._name}",
                    f"did not take the message ({section.reply_field} {said[:60]!r})",
                    "it is tried again",
                )
        return Receipt()

    def _sign(self, body: bytes) -> dict[str, str]:
        if not self._secret:
            return {}
        moment = str(int(time.time()))
        seal = hmac.digest(self._secret, f"{moment}.".encode() + body, hashlib.sha256)
        return {
            "X-Agroforest-Timestamp": moment,
            "X-Agroforest-Signature": f"sha256={seal.hex()}",
        }


def fill(template: object, outgoing: Outgoing) -> object:
    """Fill a template in, once: what is filled in is not looked at again."""
    values = {
        "key": outgoing.key,
        "to": outgoing.to,
        "case": outgoing.case,
        "subject": outgoing.subject,
        "text": outgoing.whole,
        "body": outgoing.body,
        "language": outgoing.language,
        "link": outgoing.link,
    }
    if isinstance(template, Mapping):
        return {str(key): fill(value, outgoing) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, outgoing) for value in template]
    if isinstance(template, str):
        return _WORD.sub(lambda found: values.get(found[1], found[0]), template)
    return template
