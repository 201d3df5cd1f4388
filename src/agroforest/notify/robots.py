"""Robots of group chats: WeCom (企业微信), DingTalk (钉钉), Feishu (飞书).

They answer HTTP 200 whatever happened and say in the answer whether a message was
taken; apprise takes every 200 for success, so they are posted to here. Texts are sent
as plain text, never as Markdown.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.notify.channel import Outgoing, Receipt
from agroforest.notify.posting import check_address, post
from agroforest.notify.settings import ChannelSection, Kind

_PHONE = re.compile(r"\+?[0-9]{5,20}")
# Short forms as apprise has them, and the addresses that they stand for.
_SHORT: Mapping[Kind, tuple[str, str]] = {
    Kind.WECOM: (
        "wecombot",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={token}",
    ),
    Kind.DINGTALK: (
        "dingtalk",
        "https://oapi.dingtalk.com/robot/send?access_token={token}",
    ),
    Kind.FEISHU: ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/{token}"),
}
#: Codes that refuse the text itself; developer.work.weixin.qq.com/document/path/90313.
#: Whatever else is said (too many messages, a signature that is off) may pass.
_REFUSED: Mapping[Kind, frozenset[int]] = {
    Kind.WECOM: frozenset({40008, 40058, 44004, 45002}),
    Kind.DINGTALK: frozenset(),
    Kind.FEISHU: frozenset(),
}


class Robot:
    """Posts into one group; an account's address is a number to mention, or any word.

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
        self._secret = secret

    def send(self, outgoing: Outgoing) -> Receipt:
        """Post it."""
        kind = self._section.kind
        numbers = [outgoing.to] if _PHONE.fullmatch(outgoing.to) else []
        address, document = self._address, _write(kind, outgoing.whole, numbers)
        if self._secret and kind is Kind.DINGTALK:
            address += _sign_dingtalk(self._secret, time.time())
        if self._secret and kind is Kind.FEISHU:
            document |= _sign_feishu(self._secret, time.time())
        answer = post(
            self._name,
            address,
            json.dumps(document, ensure_ascii=False).encode(),
            headers={},
            timeout_s=self._section.timeout_s,
        )
        code = _read_code(answer)
        if code == 0:
            return Receipt()
        where, problem = f"channel {self._name}", f"did not take it (code {code})"
        if code in _REFUSED[kind]:
            raise DataError(where, problem, "look its code up at the service")
        raise SourceError(where, problem, "it is tried again; look its code up")


def open_robot(name: str, section: ChannelSection, address: str, secret: str) -> Robot:
    """Open a robot by its address, or by apprise's short form of it."""
    scheme, pattern = _SHORT[section.kind]
    if address.startswith(f"{scheme}://"):
        # Not by urlsplit: it has hosts in lower case, and tokens are not.
        token = address.removeprefix(f"{scheme}://").rstrip("/")
        if "@" in token:
            inside, token = token.split("@", 1)
            secret = secret or inside
        if not re.fullmatch(r"[A-Za-z0-9_-]+", token):
            raise ConfigurationError(
                f"channel {name}", "its token is not one", "copy the robot's address"
            )
        address = pattern.format(token=token)
    return Robot(name, section, address, secret)


def _write(kind: Kind, text: str, numbers: list[str]) -> dict[str, Any]:
    if kind is Kind.WECOM:
        content: dict[str, Any] = {"content": text}
        if numbers:
            content["mentioned_mobile_list"] = numbers
        return {"msgtype": "text", "text": content}
    if kind is Kind.DINGTALK:
        at = {"atMobiles": numbers, "isAtAll": False}
        return {"msgtype": "text", "text": {"content": text}, "at": at}
    return {"msg_type": "text", "content": {"text": text}}


def _read_code(answer: Mapping[str, Any]) -> int | None:
    """Code of an answer, 0 if it was taken; ``None`` if it says nothing."""
    for field in ("errcode", "code", "StatusCode"):
        value = answer.get(field)
        if isinstance(value, int):
            return value
    return None


def _sign_dingtalk(secret: str, moment: float) -> str:
    """Query that signs a request; open.dingtalk.com, custom robots, security."""
    stamp = round(moment * 1000)
    plain = f"{stamp}\n{secret}".encode()
    seal = hmac.digest(secret.encode(), plain, hashlib.sha256)
    return f"&timestamp={stamp}&sign={quote(base64.b64encode(seal), safe='')}"


def _sign_feishu(secret: str, moment: float) -> dict[str, str]:
    """Fields that sign a request; open.feishu.cn, custom bots, security."""
    stamp = int(moment)
    seal = hmac.digest(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return {"timestamp": str(stamp), "sign": base64.b64encode(seal).decode()}
