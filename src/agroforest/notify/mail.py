"""Mail by SMTP.

The standard library sends it, and not apprise: apprise makes up a new Message-ID each
time and tells a full mailbox from a wrong address no better than yes from no. The same
message always has the same Message-ID here, by which mail programs show it once.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.core.identity import digest
from agroforest.notify.channel import Outgoing, Receipt
from agroforest.notify.posting import is_local
from agroforest.notify.settings import ChannelSection

_PORTS = {"smtp": 587, "mailto": 587, "smtps": 465, "mailtos": 465}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_PERMANENT = 500


class Mail:
    """Sends mail through one server.

    Parameters
    ----------
    name, section
        In the settings.
    address
        ``smtps://user:password@host:465`` (encrypted from the start) or ``smtp://…``
        (encrypted by STARTTLS, which must be offered unless the server is this
        machine or ``insecure`` is set).
    """

    def __init__(self, name: str, section: ChannelSection, address: str) -> None:
        where = f"channel {name}"
        self._name = name
        self._section = section
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigurationError(
                where,
                "its address is none of a mail server",
                "give smtps://user:password@host:465",
            )
        if not _ADDRESS.fullmatch(section.sender):
            raise ConfigurationError(
                where, f"sender {section.sender!r} is no address", "give one"
            )
        self._host, self._port = parts.hostname, port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._wrapped = parts.scheme.endswith("s")
        self._domain = section.sender.rsplit("@", 1)[1]

    def send(self, outgoing: Outgoing) -> Receipt:
        """Send it to one mailbox."""
        where = f"channel {self._name}"
        if not _ADDRESS.fullmatch(outgoing.to):
            raise DataError(
                where,
                "the account's address is no mailbox",
                "mend it: agroforest account",
            )
        message = self._write(outgoing)
        try:
            with self._connected() as server:
                server.send_message(message, self._section.sender, [outgoing.to])
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise _refuse(where, code, for_good=code >= _PERMANENT) from None
        except smtplib.SMTPDataError as error:
            for_good = error.smtp_code >= _PERMANENT
            raise _refuse(where, error.smtp_code, for_good=for_good) from None
        except smtplib.SMTPResponseException as error:
            # Log-in or sender: the operator mends these, and nothing is lost.
            raise _refuse(where, error.smtp_code, for_good=False) from None
        except (smtplib.SMTPException, OSError) as error:
            raise SourceError(
                where, f"did not answer ({type(error).__name__})", "it is tried again"
            ) from None
        return Receipt(detail=str(message["Message-ID"]))

    def _write(self, outgoing: Outgoing) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["Message-ID"] = f"<{outgoing.key}@{self._domain}>"
        # Mail about one case hangs together.
        message["References"] = f"<case-{digest(outgoing.case)}@{self._domain}>"
        message["From"] = self._section.sender
        message["To"] = outgoing.to
        message["Subject"] = _keep_spaces(outgoing.subject)
        created = datetime.fromtimestamp(outgoing.created, UTC)
        message["Date"] = format_datetime(created)
        message["Content-Language"] = "zh-CN" if outgoing.language == "zh" else "en"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machines
        message.set_content(f"{outgoing.body}\n", charset="utf-8", cte="base64")
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Connect, encrypt and log in; leave without caring how the goodbye goes."""
        context, timeout = ssl.create_default_context(), self._section.timeout_s
        # Its own name would be asked of the network, for as long as that takes.
        own = "[127.0.0.1]"
        if self._wrapped:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, own, timeout=timeout, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, own, timeout=timeout)
        try:
            server.ehlo_or_helo_if_needed()
            if not self._wrapped and not self._is_plain():
                server.starttls(context=context)
                server.ehlo()
            if self._user:
                server.login(self._user, self._password)
            yield server
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()

    def _is_plain(self) -> bool:
        return is_local(self._host) or self._section.insecure


def _keep_spaces(subject: str) -> str:
    """Keep blanks between words that are encoded: folding a header loses them.

    A blank that does not break is encoded with its words.
    """
    return subject if subject.isascii() else subject.replace(" ", "\N{NO-BREAK SPACE}")


def _refuse(where: str, code: int, *, for_good: bool) -> DataError | SourceError:
    problem = f"did not take the message (SMTP {code})"
    if for_good:
        return DataError(where, problem, "look at the account's address")
    return SourceError(where, problem, "it is tried again")
