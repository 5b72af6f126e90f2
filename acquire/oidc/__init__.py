"""Log-in at a site's own provider of OpenID Connect: who somebody is there, and never what they may do here.

An optional part (`pip install dosimetry-acquire[oidc]`); docs/adr/0041-single-sign-on.md. Nothing of it is kept: tokens
of the provider are looked at once and forgotten.
"""

from acquire.oidc.asking import prove_at_provider
from acquire.oidc.id_token import Proof
from acquire.oidc.provider import Registered

__all__ = ["Proof", "Registered", "prove_at_provider"]
