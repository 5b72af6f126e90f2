"""Why a broker cannot be had, in one plain sentence without a full stop: what is wrong and how to mend it.

Codes are those of MQTT 5 (section 3.2.2.2), the names of alerts and of certificate errors OpenSSL's.
"""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

# X509_V_ERR_... of OpenSSL (x509_vfy.h), as ssl.SSLCertVerificationError.verify_code has them.
_NOT_YET_VALID, _EXPIRED, _HOSTNAME, _ADDRESS = 9, 10, 62, 64
_UNKNOWN_AUTHORITY = (18, 19, 20, 21)
_NOT_AS_RFC_5280_ASKS = range(80, 95)  # what VERIFY_X509_STRICT looks at

# Alerts by which the broker refuses our certificate; the names are OpenSSL's.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "it wants a certificate from us; name cert_file and key_file",
    "UNKNOWN_CA": "it does not know the authority that signed our certificate",
    "CERTIFICATE_EXPIRED": "our certificate has expired; renew it",
    "CERTIFICATE_REVOKED": "our certificate was revoked",
    "BAD_CERTIFICATE": "it refuses our certificate",
    "CERTIFICATE_UNKNOWN": "it refuses our certificate",
    "HANDSHAKE_FAILURE": "it refuses our certificate, or has no cipher in common with us",
    "PROTOCOL_VERSION": "it does not speak TLS 1.2 or newer",
}
# MQTT 5, section 3.2.2.2; paho gives the codes of 3.1.1 as these too.
_CONNACK = {
    0x84: "it does not speak this version of MQTT; set protocol to the other one",
    0x85: "it does not accept our client identifier",
    0x86: "it refuses the user name or password",
    0x87: "it refuses the user name or password",
    0x88: "it is not available at the moment",
    0x89: "it is too busy",
    0x8A: "it has banned this client",
    0x95: "what we said is larger than it allows",
    0x97: "its quota is used up",
}


def of_connack(code: int) -> str:
    """Why a broker that can be reached does not let us in, by its reason code (MQTT 5)."""
    return _CONNACK.get(code, f"it does not let us in (MQTT reason code 0x{code:02x})")


def is_refusal(why: str) -> bool:
    """Whether a reason says that user name or password were refused."""
    return why.endswith(_CONNACK[0x86])


def of_network(error: OSError, host: str, ca_file: Path | None) -> str:
    """Why there is no connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, host, ca_file)
    if isinstance(error, (ssl.SSLError, ConnectionResetError)):  # before a handshake there is nothing to be reset
        return _of_handshake(getattr(error, "reason", None) or "")
    if isinstance(error, socket.gaierror):
        return f"the name {host} is not known on this network"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return os.strerror(error.errno) if error.errno else str(error)  # asyncio has words of its own for some


def _of_handshake(reason: str) -> str:
    for alert, meaning in _ALERTS.items():
        if reason.endswith(alert):
            return meaning
    return f"no TLS connection comes about ({reason or 'it was closed'}); is this its TLS port?"


def _of_certificate(error: ssl.SSLCertVerificationError, host: str, ca_file: Path | None) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "its certificate has expired; renew it on the broker's machine (or set this machine's clock)"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet; is this machine's clock right?"
    if code in (_HOSTNAME, _ADDRESS):
        return f"its certificate is not made out for '{host}'; use the name that stands in it, or make a new one"
    if code in _UNKNOWN_AUTHORITY:
        return f"its certificate is not signed by an authority in {ca_file or 'the list of this system'}"
    if code in _NOT_AS_RFC_5280_ASKS:
        return (
            f"its certificate or its authority's is not made as RFC 5280 asks ({error.verify_message}); make it again"
            " as docs/security.md does"
        )
    return f"its certificate does not hold: {error.verify_message}"
