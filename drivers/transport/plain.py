"""Why a port cannot be had or was lost, in words: the libraries below say it with numbers and in their own ways."""

from __future__ import annotations

import errno
import os
import re
import socket

REFUSED = "the connection was refused; nothing listens on that port, or it serves somebody else"
UNKNOWN_NAME = "no address is known for that name"
HELD = "another program holds it"
_NUMBER = re.compile(r"\[Errno (-?[0-9]{1,9})\] ?")


def plain(error: Exception) -> str:
    """The end of a sentence, without a full stop."""
    if isinstance(error, socket.gaierror | UnicodeError):  # UnicodeError: what can be no name of a host
        return UNKNOWN_NAME
    text = str(error)
    # the text has the numbers of wrapped errors, and of all addresses that asyncio tried
    numbers = {int(each) for each in _NUMBER.findall(text)}
    if numbers == {errno.ECONNREFUSED}:
        return REFUSED
    if numbers & {errno.EBUSY, errno.EAGAIN} and "lock" in text:  # serialx and pyserial on a port that is taken
        return HELD
    if len(numbers) == 1 and "Connect call failed" in text:  # asyncio's words; the number says more
        return os.strerror(numbers.pop())
    return _NUMBER.sub("", text).rstrip(".") or type(error).__name__
