"""What every client of a benchmark sets, so that all are compared on the same wire."""

from __future__ import annotations

import socket

NODELAY = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
