"""Opening the channels of the settings."""

import os
from collections.abc import Mapping

from agroforest.core.errors import ConfigurationError
from agroforest.notify.channel import Channel
from agroforest.notify.settings import ChannelSection, Kind, NotifySection


def open_channels(settings: NotifySection) -> tuple[dict[str, Channel], list[str]]:
    """Open every channel whose secrets are there.

    Returns
    -------
    dict of Channel, list of str
        By name; and why the others are not open, a line each. One that is not open
        keeps its messages waiting and stops none of the others.
    """
    opened: dict[str, Channel] = {}
    lacking: list[str] = []
    for name, section in settings.channels.items():
        try:
            opened[name] = open_channel(name, section)
        except ConfigurationError as error:
            lacking.append(str(error))
    return opened, lacking


def open_channel(
    name: str, section: ChannelSection, environ: Mapping[str, str] = os.environ
) -> Channel:
    """Open one channel; nothing is sent by that.

    Parameters
    ----------
    name
        In the settings.
    section
        Its settings.
    environ
        Where its secrets are.

    Raises
    ------
    ConfigurationError
        A secret is not there, or its address is not one; it is never shown.
    """
    # Each kind is loaded when it is used: apprise alone takes as long as the rest.
    address = _read(environ, name, section.url_env)
    secret = _read(environ, name, section.secret_env) if section.secret_env else ""
    match section.kind:
        case Kind.MAIL:
            from agroforest.notify.mail import Mail  # noqa: PLC0415  see above

            return Mail(name, section, address)
        case Kind.WECOM | Kind.DINGTALK | Kind.FEISHU:
            from agroforest.notify.robots import open_robot  # noqa: PLC0415

            return open_robot(name, section, address, secret)
        case Kind.WEBHOOK | Kind.SMS:
            from agroforest.notify.webhook import Webhook  # noqa: PLC0415

            return Webhook(name, section, address, secret)
        case Kind.APPRISE:
            return _open_service(name, section, address)


def _open_service(name: str, section: ChannelSection, address: str) -> Channel:
    """Open a channel of apprise's, which alone of them all need not be installed."""
    try:
        from agroforest.notify.services import Service  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "apprise":
            raise
        raise ConfigurationError(
            f"channel {name}",
            "needs apprise, which is not installed",
            "install it: pip install 'agroforest[notify]'",
        ) from error
    return Service(name, section, address)


def _read(environ: Mapping[str, str], name: str, variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise ConfigurationError(
            f"channel {name}", "has no address or secret", f"put it into {variable}"
        )
    return value
