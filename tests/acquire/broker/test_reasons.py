"""Errors of the network in words, those that a test of the whole cannot bring about at will."""

from __future__ import annotations

import ssl

import pytest

from acquire.bus.reasons import of_connack, of_network


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "no TLS connection comes about (it was closed)"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "no TLS connection comes about"),
        (TimeoutError(), "it does not answer"),
        (OSError(113, "No route to host"), "No route to host"),
    ],
)
def test_a_network_error_is_a_sentence(error: OSError, said: str) -> None:
    assert of_network(error, "broker.example", None).startswith(said)


def test_an_unknown_reason_code_is_shown_as_it_is() -> None:
    assert of_connack(0x86) == of_connack(0x87) == "it refuses the user name or password"
    assert of_connack(0x9F) == "it does not let us in (MQTT reason code 0x9f)"
