"""No secret stands in a text that is logged or shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.redaction import HIDDEN, redact

SECRET = "hunter2-Zx81"  # noqa: S105  of nobody


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://desk:{SECRET}@db.example.cn:5432/forest does not answer",
        f"postgresql+psycopg://desk:{SECRET}@[::1]/forest",
        f"smtps://:{SECRET}@mail.example.cn:465",
        f"amqp://user:p%40{SECRET}@host",
        f"GET https://oapi.dingtalk.com/robot/send?access_token={SECRET} -> 500",
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={SECRET}",
        f"https://open.feishu.cn/open-apis/bot/v2/hook/{SECRET}",
        f"https://firms.example.gov/api/area/csv/{SECRET}/VIIRS_SNPP_NRT/world/1",
        f"https://store.example.cn/a.tif?X-Amz-Signature={SECRET}&X-Amz-Date=1",
        f"https://store.example.cn/a.tif?sv=1&sig={SECRET}",
        f"Authorization: Bearer {SECRET}abc",
        f"Authorization: Basic {SECRET}==",
        f"Set-Cookie: __Host-desk={SECRET}; Secure",
        f'{{"password": "{SECRET}", "user": "desk"}}',
        f"{{'api_key': '{SECRET}'}}",
        f"host=db user=desk password={SECRET} dbname=forest",
        f"client_secret={SECRET}&grant_type=code",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f"-----BEGIN EC PRIVATE KEY-----\n{SECRET} cut off",
        f"DefaultEndpointsProtocol=https;SharedAccessToken={SECRET};",
    ],
)
def test_a_secret_is_taken_out(text: str) -> None:
    found = redact(text, {})
    assert SECRET not in found
    assert HIDDEN in found


@pytest.mark.parametrize(
    "text",
    [
        "work/nightly.db: is locked; wait for it to end",
        "https://catalogue.example.cn/v1/search?limit=100 answered 503",
        "pipelines/a.toml: key: extra inputs are not permitted",
        "postgresql://desk@db.example.cn/forest does not answer",
        "tls key /etc/ssl/own.pem cannot be read",
        "scene S2B_48QXJ_20240501 refused: no band B8A",
        "12:30:05 tile 48QXJ@10m",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text, {}) == text


def test_values_of_secret_variables_are_taken_out_wherever_they_stand() -> None:
    kept = {
        "AGROFOREST_DINGTALK_SECRET": SECRET,
        "FIRMS_MAP_KEY": "0123456789abcdef",
        "AGROFOREST_TLS_KEY": "/etc/ssl/own.pem",
        "SHORT_TOKEN": "a",
    }
    text = f"asked {SECRET} at /etc/ssl/own.pem with 0123456789abcdef"
    assert redact(text, kept) == f"asked {HIDDEN} at /etc/ssl/own.pem with {HIDDEN}"


_WORD = st.text("abcdefghijkmnpqrstuvwxyzXYZ0123456789._~-", min_size=8, max_size=20)


@given(user=_WORD, password=_WORD.map(lambda w: f"Q{w}Q"), before=st.text(max_size=20))
def test_no_password_of_an_address_survives(
    user: str, password: str, before: str
) -> None:
    found = redact(f"{before} https://{user}:{password}@host/path", {})
    assert password not in found
    assert "@host/path" in found
