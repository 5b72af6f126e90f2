"""What has come is read at once and given out in the pieces that are asked for, like a socket's."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from acquire.bus.line import AT_ONCE, Line


@pytest.fixture
def ends() -> Iterator[tuple[Line, socket.socket]]:
    """A line that does not block, and the socket at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as server, Line(socket.AF_INET, socket.SOCK_STREAM) as line:
        line.connect(server.getsockname())
        line.setblocking(False)
        other, _ = server.accept()
        with other:
            yield line, other


def arrived(line: Line, count: int) -> None:
    """Wait until so many bytes are there to be read."""
    line.setblocking(True)
    assert len(socket.socket.recv(line, count, socket.MSG_PEEK | socket.MSG_WAITALL)) == count
    line.setblocking(False)


def test_pieces_come_in_order_and_what_is_left_is_pending(ends: tuple[Line, socket.socket]) -> None:
    line, other = ends
    other.sendall(b"abcdef")
    arrived(line, 6)
    assert (line.recv(1), line.pending()) == (b"a", 5)
    other.sendall(b"gh")
    arrived(line, 2)
    assert (line.recv(3), line.recv(100), line.pending()) == (b"bcd", b"ef", 0)
    with pytest.raises(BlockingIOError):
        line.recv(1)  # that was all; it is not asked again at once, since whoever waits is called for what is there
    assert (line.recv(1), line.recv(1)) == (b"g", b"h")


def test_nothing_there_is_told_as_a_socket_does(ends: tuple[Line, socket.socket]) -> None:
    line, _ = ends
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            line.recv(1)
    assert line.pending() == 0


def test_the_end_comes_after_all_that_was_sent_before_it(ends: tuple[Line, socket.socket]) -> None:
    line, other = ends
    other.sendall(b"xyz")
    other.shutdown(socket.SHUT_WR)
    arrived(line, 3)
    assert line.recv(100) == b"xyz"
    with pytest.raises(BlockingIOError):
        line.recv(1)
    line.setblocking(True)
    assert (line.recv(1), line.recv(1)) == (b"", b"")


def test_more_than_is_read_at_once_comes_whole(ends: tuple[Line, socket.socket]) -> None:
    line, other = ends
    sent = bytes(range(256)) * (3 * AT_ONCE // 256)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(sent))
    line.setblocking(True)
    other.sendall(sent)
    found = b""
    while len(found) < len(sent):
        try:
            found += line.recv(1000)
        except BlockingIOError:
            assert line.pending() == 0
    assert found == sent
