"""Logging in with an organisation's account, against a small provider of our own."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.web.desks import NOW, Desk, Visitor, open_desk

from agroforest.core.errors import ConfigurationError
from agroforest.desk.settings import DeskSettings, OidcSection, WebSection
from agroforest.web.serve import open_socket

pytestmark = pytest.mark.enable_socket
CLIENT, SECRET = "the-desk", "a secret: with / signs"
_SHOWN = b"the-desk:a+secret%3A+with+%2F+signs"  # RFC 6749, 2.3.1
_VARIABLE = "DESK_OIDC"
BACK = "http://127.0.0.1/login/oidc/back"


@dataclass(kw_only=True)
class Provider:
    """Says who somebody is; `lies` change what its token says."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048))
    signed_with: RSAKey | None = None
    name: str = "rui"
    lies: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    def build(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def describe() -> dict[str, str]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/enter",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/token")
        async def token(request: Request) -> JSONResponse:
            form = await request.form()
            verifier = str(form["code_verifier"]).encode()
            hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest())
            shown = request.headers["authorization"].removeprefix("Basic ")
            if (
                hashed.decode().rstrip("=") != self.asked["code_challenge"]
                or form["code"] != "the code"
                or base64.b64decode(shown) != _SHOWN
                or form["redirect_uri"] != BACK
            ):
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse({"id_token": self.sign(), "token_type": "Bearer"})

        return app

    def sign(self) -> str:
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "123",
            "preferred_username": self.name,
            "nonce": self.asked["nonce"],
            "iat": int(NOW.timestamp()),
            "exp": int((NOW + timedelta(minutes=5)).timestamp()),
        }
        told = {k: v for k, v in (claims | self.lies).items() if v is not None}
        return jwt.encode({"alg": "RS256"}, told, self.signed_with or self.key)


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    provider = Provider()
    with open_socket("127.0.0.1", 0) as door:
        provider.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        config = uvicorn.Config(provider.build(), log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [door]}, daemon=True
        )
        thread.start()
        yield provider
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def provider(there: Provider) -> Provider:
    there.name, there.lies, there.signed_with = "rui", {}, None
    return there


@pytest.fixture(scope="module")
def desk(there: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    settings = OidcSection(
        issuer=there.url, client_id=CLIENT, secret_env=_VARIABLE, redirect_url=BACK
    )
    patch = pytest.MonkeyPatch()
    patch.setenv(_VARIABLE, SECRET)
    folder = tmp_path_factory.mktemp("oidc")
    with open_desk(
        folder, settings=DeskSettings(web=WebSection(oidc=settings))
    ) as opened:
        patch.undo()
        yield opened


def leave(desk: Desk, provider: Provider, target: str = "/queue") -> Visitor:
    """Ask to log in, and read what the provider is asked."""
    visitor = desk.visitor()
    assert "/login/oidc" in visitor.get("/login").text
    answer = visitor.get(f"/login/oidc?next={target}")
    there = urlsplit(answer.headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{provider.url}/enter"
    provider.asked = {key: value for key, (value,) in parse_qs(there.query).items()}
    return visitor


def come_back(visitor: Visitor, provider: Provider, **changes: str) -> Any:
    asked = {"state": provider.asked["state"], "code": "the code"} | changes
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return visitor.get(f"/login/oidc/back?{query}")


def test_somebody_whom_the_desk_knows(desk: Desk, provider: Provider) -> None:
    provider.name = "RUI"
    visitor = leave(desk, provider, "/queue?days=3")
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["redirect_uri"] == BACK
    answer = come_back(visitor, provider)
    assert answer.headers["location"] == "/queue?days=3"
    assert "Rui" in visitor.get("/queue").text
    # An answer is good for one.
    assert come_back(visitor, provider).status_code == 403


def test_an_answer_is_for_the_browser_that_asked(
    desk: Desk, provider: Provider
) -> None:
    leave(desk, provider)
    assert come_back(desk.visitor(), provider).status_code == 403


def test_an_answer_that_comes_too_late(desk: Desk, provider: Provider) -> None:
    visitor = leave(desk, provider)
    desk.clock.move(minutes=11)
    try:
        assert come_back(visitor, provider).status_code == 403
    finally:
        desk.clock.now = NOW


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": int(NOW.timestamp()) - 100},
        {"exp": None},
        {"preferred_username": "nobody"},
        {"preferred_username": None},
        {"preferred_username": ["rui"]},
        {"preferred_username": " "},
    ],
)
def test_tokens_that_are_none(
    desk: Desk, provider: Provider, lies: dict[str, Any]
) -> None:
    visitor = leave(desk, provider)
    provider.lies = lies
    answer = come_back(visitor, provider)
    assert answer.status_code == 403
    assert visitor.get("/queue").status_code == 303


def test_a_token_signed_by_another(desk: Desk, provider: Provider) -> None:
    visitor = leave(desk, provider)
    provider.signed_with = RSAKey.generate_key(2048)
    assert come_back(visitor, provider).status_code == 403


def test_codes_that_are_wrong_or_missing(desk: Desk, provider: Provider) -> None:
    visitor = leave(desk, provider)
    assert come_back(visitor, provider, code="wrong").status_code == 403
    visitor = leave(desk, provider)
    state = provider.asked["state"]
    answer = visitor.get(f"/login/oidc/back?state={state}&error=access_denied")
    assert answer.status_code == 403
    for nonsense in ("", "?state=", "?state=%F0%9F&code=x", "?code=the+code"):
        assert visitor.get(f"/login/oidc/back{nonsense}").status_code == 403


def test_a_disabled_account_stays_out(desk: Desk, provider: Provider) -> None:
    account = desk.store.desk.account("ren")
    assert account is not None
    desk.store.desk.change_account(account.patch(disabled=True))
    provider.name = "ren"
    assert come_back(leave(desk, provider), provider).status_code == 403


def test_where_there_is_no_provider(tmp_path, monkeypatch) -> None:
    with open_desk(tmp_path / "none") as desk:
        assert desk.visitor().get("/login/oidc").status_code == 404
        assert "oidc" not in desk.visitor().get("/login").text
    dead = OidcSection(
        issuer="http://127.0.0.1:9",
        client_id=CLIENT,
        secret_env=_VARIABLE,
        redirect_url=BACK,
    )
    settings = DeskSettings(web=WebSection(oidc=dead))
    with (
        pytest.raises(ConfigurationError, match="DESK_OIDC: is not set"),
        open_desk(tmp_path / "unset", settings=settings),
    ):
        pass
    monkeypatch.setenv(_VARIABLE, SECRET)
    with open_desk(tmp_path / "dead", settings=settings) as desk:
        assert desk.visitor().get("/login/oidc").status_code == 403
