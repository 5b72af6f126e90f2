"""A site's own provider of log-ins (OpenID Connect); the [oidc] table of a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from acquire.tomlfile import Where, Written

Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class OidcConfig(Written):
    """As what this program is registered there. Its certificate and host name are verified always."""

    issuer: Text = Field(description="what the provider calls itself, letter by letter")
    client_id: Text
    client_secret_file: Path | None = Field(
        None, description="where the provider gave a secret; readable by its owner alone"
    )
    ca_file: Path | None = Field(None, description="authorities to trust, PEM; without it those of the system")
    flow: Literal["device", "browser"] | None = Field(
        None, description="by a code entered on any device, or by a browser here; without it as the provider offers"
    )


def check_oidc(oidc: OidcConfig) -> Iterator[tuple[Where, str]]:
    """What is wrong beyond what each key allows: (path of the key, sentence)."""
    try:
        parts = urlsplit(oidc.issuer)
        here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        yield ("oidc", "issuer"), "it is no address, such as https://login.clinic.example"
        return
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        yield ("oidc", "issuer"), "it is an address alone, such as https://login.clinic.example"
    elif parts.scheme != "https" and not (here and parts.scheme == "http"):
        yield ("oidc", "issuer"), "it begins with https:// (http:// with a provider on this machine alone)"
