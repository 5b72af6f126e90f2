"""Who somebody is, asked of a provider: by a device's code (RFC 8628), or by a browser on this machine (RFC 8252)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from authlib.integrations.base_client import OAuthError

from acquire.errors import Refused
from acquire.oidc.id_token import LEEWAY_S, Asked, Proof, proof_of
from acquire.oidc.loopback import redirected
from acquire.oidc.provider import Provider, Registered, provider

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
AT_MOST_S = 600.0  # for a person to log in there
ANEW = {"prompt": "login", "max_age": "1"}
"""A new log-in, and with it auth_time (OpenID Connect Core 1.0 section 3.1.2.1), which is held against the moment of
asking. A max_age of 0 is made prompt=login and forgotten by npm's oidc-provider (9.13), which in the device flow then
asks nobody: one second is as good, and is kept."""
Say = Callable[[str], None]
Wait = Callable[[float], None]


def prove_at_provider(registered: Registered, say: Say, *, fresh: bool, wait: Wait = time.sleep) -> Proof:
    """Who somebody is, who logs in at the provider now. `say` tells the person where; `wait` (s) between two looks.

    `fresh`: for a signature, the person shows there anew who they are, also where the provider knows them still.
    Raises Refused: not reached, not who it claims to be, the person refused or was too slow, or no ID token that holds.
    """
    with provider(registered) as found:
        asked = Asked(
            registered.issuer, registered.client_id, secrets.token_urlsafe(32), nonce_needed=not _by_device(found),
            since=max(time.time() + found.clock_ahead_s - 1, time.time() - LEEWAY_S) if fresh else None,
        )  # fmt: skip
        anew = ANEW if fresh else {}
        try:
            by = _of_device if _by_device(found) else _of_browser
            tokens = by(found, {"nonce": asked.nonce, **anew}, say, wait)
        except OAuthError as error:
            raise Refused(_refused(error, registered)) from None
        return proof_of(tokens, found.keys(), asked, time.time(), found.clock_ahead_s)


def _by_device(found: Provider) -> bool:
    offered = found.offers("device_authorization_endpoint")
    return offered if found.registered.flow is None else found.registered.flow == "device"


def _of_device(found: Provider, wanted: Mapping[str, str], say: Say, wait: Wait) -> Mapping[str, Any]:
    """Tokens for whoever enters the code elsewhere, looked for every few seconds (RFC 8628 section 3.5)."""
    began = found.ask_for_device(**wanted)
    say(f"Open {began['verification_uri']} in any browser, log in, and enter {began['user_code']} there.")
    interval, left_s = _seconds(began, "interval", 5.0), min(_seconds(began, "expires_in", AT_MOST_S), AT_MOST_S)
    while left_s > 0:
        wait(interval)
        left_s -= interval
        try:
            return found.tokens(grant_type=DEVICE_CODE, device_code=began["device_code"])
        except OAuthError as error:
            if error.error == "slow_down":
                interval += 5.0
            elif error.error != "authorization_pending":
                raise
    raise OAuthError("expired_token")


def _of_browser(found: Provider, wanted: Mapping[str, str], say: Say, _: Wait) -> Mapping[str, Any]:
    """Tokens for the code that a browser of this machine brings back, which is good with the verifier alone (PKCE)."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
    with redirected(state, AT_MOST_S) as answer:
        url, _state = found.client.create_authorization_url(
            found.endpoint("authorization_endpoint"), state=state, code_verifier=verifier,
            redirect_uri=answer.redirect_uri, **wanted,
        )  # fmt: skip
        say(f"Open this page in a browser on this machine, and log in: {url}")
        code = answer.code()
        return found.tokens(
            grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=answer.redirect_uri
        )


def _seconds(began: Mapping[str, Any], name: str, default: float) -> float:
    said = began.get(name, default)
    return max(float(said), 1.0) if isinstance(said, (int, float)) and not isinstance(said, bool) else default


def _refused(error: OAuthError, registered: Registered) -> str:
    """What a provider refuses, by its code (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5)."""
    match error.error:
        case "expired_token":
            return "Nobody logged in at the provider in time; begin again."
        case "access_denied":
            return f"The log-in was refused or broken off at {registered.issuer}."
        case "invalid_client" | "unauthorized_client":
            return (
                f"{registered.issuer} does not know this program as {registered.client_id}, or not for this way of"
                " logging in: [oidc] client_id, client_secret_file, flow."
            )
        case code:
            known = str(code) if str(code).replace("_", "").isalnum() else "without a reason"
            return f"{registered.issuer} refused the log-in ({known[:40]}); nobody is logged in."
