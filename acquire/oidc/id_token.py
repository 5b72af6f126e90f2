"""An ID token held against what was asked for (OpenID Connect Core 1.0, section 3.1.3.7): pure, a clock is given.

Authlib reads and judges it; what fails is told here in the words of whoever stands before the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from acquire.errors import Refused

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures with a private key: never "none", and never a secret that this side would have to hold, too."""

LEEWAY_S = 60  # by which two clocks may differ
LONGEST_SUBJECT = 255  # characters, OpenID Connect Core 1.0 section 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What an ID token must answer. `since`: not before this moment (s of the epoch) the person must have shown anew
    who they are; None where an earlier time will do. `nonce_needed`: a device's log-in brings none (RFC 8628)."""

    issuer: str
    client_id: str
    nonce: str
    nonce_needed: bool
    since: float | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Who the provider says it is. `at`: when the person showed it there, ISO 8601; empty where it does not say."""

    issuer: str
    subject: str
    at: str


def proof_of(tokens: Mapping[str, Any], keys: Any, asked: Asked, now: float, clock_ahead_s: float) -> Proof:
    """Who it is. `now` in s of the epoch; `clock_ahead_s`: by how much the provider's clock is ahead of ours.

    Raises Refused: no ID token, not signed by the provider, for somebody else, another log-in's, not of this time, or
    not fresh where that is asked for.
    """
    text = tokens.get("id_token")
    if not isinstance(text, str):
        raise Refused(f"{asked.issuer} gave no ID token: this program must be registered there for OpenID Connect.")
    try:
        read = jwt.decode(text, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        claims = CodeIDToken(
            read.claims, read.header,
            options={
                "iss": {"essential": True, "value": asked.issuer}, "aud": {"essential": True, "value": asked.client_id}
            },
            params={
                "client_id": asked.client_id, "access_token": tokens.get("access_token"),
                "nonce": asked.nonce if asked.nonce_needed or "nonce" in read.claims else None,
            },
        )  # fmt: skip
        claims.validate(int(now), LEEWAY_S)
    except ExpiredTokenError:
        raise Refused(f"The ID token is no longer valid; {_clocks(clock_ahead_s)}") from None
    except ClaimError as error:
        raise Refused(_of_claim(error.claim, asked, clock_ahead_s)) from None
    except BadSignatureError:
        raise Refused(f"The ID token is not signed with a key of {asked.issuer}; nobody is logged in.") from None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise Refused(f"The ID token of {asked.issuer} cannot be read or verified; nobody is logged in.") from None
    return _proof(claims, asked)


def _proof(claims: Mapping[str, Any], asked: Asked) -> Proof:
    subject, shown = claims["sub"], claims.get("auth_time")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Refused(f"{asked.issuer} names nobody that an account could be linked to.")
    if asked.since is not None:
        if not isinstance(shown, (int, float)):
            raise Refused(
                f"{asked.issuer} does not say when you showed there who you are (auth_time); a signature needs that:"
                " use the password."
            )
        if shown < asked.since:
            raise Refused(
                f"You showed at {asked.issuer} who you are at {_moment(shown)}, before this was asked for: log in there"
                " anew, also where it knows you still."
            )
    return Proof(asked.issuer, subject, "" if shown is None else _moment(shown))


def _of_claim(claim: str, asked: Asked, clock_ahead_s: float) -> str:
    if claim == "iss":
        return f"The ID token is not of {asked.issuer}; nobody is logged in."
    if claim in {"aud", "azp"}:
        return f"The ID token is for another program than {asked.client_id}; nobody is logged in."
    if claim == "nonce":
        return "The ID token is of another log-in than this one; nobody is logged in."
    if claim in {"iat", "nbf", "exp"}:
        return f"The ID token is not of this time ({claim}); {_clocks(clock_ahead_s)}"
    return f"The ID token of {asked.issuer} does not hold what it must ({claim}); nobody is logged in."


def _clocks(ahead_s: float) -> str:
    if abs(ahead_s) <= LEEWAY_S:
        return "log in again."
    side = "behind" if ahead_s > 0 else "ahead of"
    return f"the clock of this machine is {abs(ahead_s):.0f} s {side} the provider's: set it right (acquire doctor)."


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
