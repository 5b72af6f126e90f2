"""A provider of OpenID Connect as it describes itself (OpenID Connect Discovery 1.0), over HTTPS that is verified.

What goes wrong is told in our own words: what a provider answers may name people.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from acquire.bus.tls import Secret, Tls, Unusable
from acquire.errors import Refused

WITHIN_S = 10.0  # for one answer
SCOPE = "openid"  # who it is, and nothing else about the person


@dataclass(frozen=True, slots=True)
class Registered:
    """The provider, and as what this program is registered there. `flow`: None takes the device flow where it is."""

    issuer: str
    client_id: str
    secret: Secret | None
    tls: Tls
    flow: Literal["device", "browser"] | None


@dataclass(slots=True)
class Provider:
    """One that answered: `about` is its description, `client` speaks to it."""

    registered: Registered
    about: Mapping[str, Any]
    client: OAuth2Client
    clock_ahead_s: float  # by how much its clock is ahead of ours, as far as the Date of its answer tells (whole s)

    def endpoint(self, name: str) -> str:
        """Where it is asked for something. Raises Refused where it has none, or only one that is not secure."""
        found = self.about.get(name)
        if not isinstance(found, str) or not is_secure(found):
            raise Refused(f"{self.registered.issuer} states no {name} that could be used.")
        return found

    def offers(self, name: str) -> bool:
        """Whether it has an endpoint of that name."""
        return isinstance(self.about.get(name), str)

    def keys(self) -> Any:
        """Its public keys, as JSON. Raises Refused."""
        return self._json("GET", self.endpoint("jwks_uri"))

    def ask_for_device(self, **wanted: str) -> Mapping[str, Any]:
        """The answer to a device authorization request (RFC 8628 section 3.2). Raises Refused."""
        found = self._json(
            "POST", self.endpoint("device_authorization_endpoint"), data={"scope": SCOPE, **wanted},
            auth=self.client.client_auth(self.client.token_endpoint_auth_method),
        )  # fmt: skip
        if not all(isinstance(found.get(key), str) for key in ("device_code", "user_code", "verification_uri")):
            raise Refused(f"{self.registered.issuer} began no log-in by device: its answer has no code.")
        return found

    def tokens(self, **given: str) -> Mapping[str, Any]:
        """The answer of the token endpoint. Raises OAuthError for what it refuses, Refused where it is not reached."""
        with told(self.registered.issuer):
            found: Mapping[str, Any] = self.client.fetch_token(self.endpoint("token_endpoint"), **given)
        return found

    def _json(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        return _json_of(self.client, self.registered.issuer, method, url, **more)[0]


@contextmanager
def provider(registered: Registered) -> Iterator[Provider]:
    """The provider, asked who it is. Raises Refused: not reached, another issuer, or files that cannot be used."""
    try:
        secret = None if registered.secret is None else registered.secret.read()
        trusted = registered.tls.context() if registered.issuer.startswith("https:") else False
    except Unusable as error:
        raise Refused(f"{error}.") from None
    with OAuth2Client(
        registered.client_id, secret, scope=SCOPE, code_challenge_method="S256", verify=trusted, timeout=WITHIN_S,
        follow_redirects=False,
    ) as client:  # fmt: skip
        url = f"{registered.issuer.rstrip('/')}/.well-known/openid-configuration"
        about, date = _json_of(client, registered.issuer, "GET", url)
        if about.get("issuer") != registered.issuer:
            raise Refused(
                f"The provider at {registered.issuer} calls itself {about.get('issuer')!r}: [oidc] issuer must be what"
                " the provider calls itself, letter by letter."
            )
        if secret is not None and "client_secret_basic" not in _methods(about):
            client.token_endpoint_auth_method = "client_secret_post"
        yield Provider(registered, about, client, 0.0 if date is None else date - time.time())


def _methods(about: Mapping[str, Any]) -> Any:
    """How a client may prove itself; the default is of OpenID Connect Discovery 1.0, section 3."""
    return about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])


def _json_of(
    client: OAuth2Client, issuer: str, method: str, url: str, **more: Any
) -> tuple[Mapping[str, Any], float | None]:
    """A JSON object, and the Date of the answer in s of the epoch."""
    with told(issuer):
        answer = client.request(method, url, withhold_token=True, headers={"Cache-Control": "no-cache"}, **more)
    try:
        found = answer.json() if answer.status_code == 200 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(f"{url} gave no answer that could be used (HTTP {answer.status_code}).")
    return found, _date(answer)


def _date(answer: Any) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return None


@contextmanager
def told(issuer: str) -> Iterator[None]:
    """What goes wrong between here and the provider, as a sentence of ours; what the provider refuses stays."""
    try:
        yield
    except OAuthError:
        raise
    except httpx2.TimeoutException:
        raise Refused(f"The provider {issuer} gave no answer within {WITHIN_S:g} s; {OTHER_WAY}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        verified = "certificate" in str(error).lower()
        why = "its certificate is not trusted here ([oidc] ca_file)" if verified else "it is not reached"
        raise Refused(f"The provider {issuer} cannot be used: {why}; {OTHER_WAY}") from None
    except ValueError:
        raise Refused(f"The provider {issuer} gave an answer that nobody can read; {OTHER_WAY}") from None


OTHER_WAY = "try again, or log in with a password (without --oidc)."


def is_secure(url: str) -> bool:
    """Whether a URL is https, or of this machine itself."""
    try:
        parts = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.host in {"127.0.0.1", "::1", "localhost"})
