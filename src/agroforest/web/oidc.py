"""Logging in with the account of one's organisation: OpenID Connect.

Code flow with PKCE (RFC 7636). The provider says who somebody is; whether the desk
knows them, and what they may do, its own accounts say. What an attempt must remember
stays here, under a random state that the browser's cookie has to match.
"""

import base64
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from agroforest.desk.settings import OidcSection

#: Ways of signing that are taken; "none" and shared secrets are not among them.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
#: How long somebody may take over there; attempts that are remembered at most. Both
#: arbitrary.
_PATIENCE = timedelta(minutes=10)
_MOST = 10_000
_TIMEOUT_S = 10.0
#: Clocks may differ by so much, seconds.
_LEEWAY_S = 60


class OidcError(Exception):
    """An attempt that failed; `key` names the words that say why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What is remembered of an attempt until its answer comes.

    Attributes
    ----------
    began
        When, UTC.
    nonce
        What the token must hold.
    verifier
        What proves that it was us who asked, PKCE.
    target
        Where to go afterwards.
    """

    began: datetime
    nonce: str
    verifier: str
    target: str


class Oidc:
    """A provider, as its settings and its own document describe it.

    Parameters
    ----------
    settings
        Of the provider.
    secret
        The client's.
    """

    def __init__(self, settings: OidcSection, secret: str) -> None:
        self._settings, self._secret = settings, secret
        self._attempts: OrderedDict[str, Attempt] = OrderedDict()
        self._lock = threading.Lock()
        self._document: Mapping[str, Any] = {}

    def begin(self, target: str, now: datetime) -> tuple[str, str]:
        """Begin an attempt.

        Returns
        -------
        address
            Where to send the browser.
        state
            What its cookie must hold when it comes back.

        Raises
        ------
        OidcError
            The provider does not answer.
        """
        state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        verifier = secrets.token_urlsafe(48)
        hashed = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_url,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(hashed).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        there = str(self._describe()["authorization_endpoint"])
        address = f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}"
        attempt = Attempt(began=now, nonce=nonce, verifier=verifier, target=target)
        with self._lock:
            self._attempts[state] = attempt
            if len(self._attempts) > _MOST:
                self._attempts.popitem(last=False)
        return address, state

    def finish(
        self, asked: Mapping[str, str], *, kept: str, now: datetime
    ) -> tuple[str, str]:
        """Read the answer of an attempt; each is good for one.

        Parameters
        ----------
        asked
            What came back in the address.
        kept
            State in the browser's cookie.
        now
            UTC.

        Returns
        -------
        name
            Of the account.
        target
            Where to go.

        Raises
        ------
        OidcError
            The answer is none of this browser's, too old, declined or not signed.
        """
        state = asked.get("state", "")
        with self._lock:
            attempt = self._attempts.pop(state, None) if state else None
        if attempt is None or not secrets.compare_digest(
            state.encode(), kept.encode("utf-8", "replace")
        ):
            raise OidcError("login.oidc_old")
        if now - attempt.began > _PATIENCE:
            raise OidcError("login.oidc_old")
        if "code" not in asked:
            raise OidcError("login.oidc_declined")
        claims = self._redeem(asked["code"], attempt, now)
        name = claims.get(self._settings.claim)
        if not isinstance(name, str) or not name.strip():
            raise OidcError("login.oidc_unknown")
        return name.strip().lower(), attempt.target

    def _redeem(self, code: str, attempt: Attempt, now: datetime) -> Mapping[str, Any]:
        """Change a code for a token, and read it if it is signed and for us."""
        document = self._describe()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_url,
            "code_verifier": attempt.verifier,
        }
        try:
            answer = requests.post(
                document["token_endpoint"],
                data=form,
                auth=(quote_plus(self._settings.client_id), quote_plus(self._secret)),
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
            token = answer.json()["id_token"] if answer.status_code == 200 else ""
            keys = KeySet.import_key_set(self._get(document["jwks_uri"]))
            read = jwt.decode(str(token), keys, algorithms=_ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": document["issuer"]},
                aud={"essential": True, "value": self._settings.client_id},
                exp={"essential": True},
                nonce={"essential": True, "value": attempt.nonce},
            )
            registry.validate(read.claims)
        except requests.RequestException as error:
            raise OidcError("login.oidc_silent") from error
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise OidcError("login.oidc_declined") from error
        return dict(read.claims)

    def _describe(self) -> Mapping[str, Any]:
        """Read the provider's own document, once."""
        if not self._document:
            issuer = self._settings.issuer.rstrip("/")
            found = self._get(f"{issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != issuer:
                raise OidcError("login.oidc_silent")
            self._document = found
        return self._document

    def _get(self, address: str) -> Any:  # noqa: ANN401  whatever JSON holds
        try:
            answer = requests.get(address, timeout=_TIMEOUT_S, allow_redirects=False)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise OidcError("login.oidc_silent") from error
