"""The answer to a message (ACK): AA taken, AE refused for what it says, AR refused for what it is (HL7 table 0008)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from acquire.orders.hl7_message import Message

Code = Literal["AA", "AE", "AR"]
APPLICATION = "ACQUIRE"
LONGEST = 400  # characters of a sentence that is sent back


def answer(header: Message | None, code: Code, says: str, error: str = "207") -> bytes:
    """The bytes of an ACK with the control id of the message; `error`: of HL7 table 0357."""
    asked = header.header if header is not None else None
    version = asked.text(12) if asked is not None else ""
    event = _plain(asked.text(9, 2)) if asked is not None else ""
    kind = f"ACK^{event}^ACK" if event else "ACK"
    back = [asked.text(n) for n in (3, 4)] if asked is not None else ["", ""]
    control_id = header.control_id if header is not None else ""
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    number = f"A{control_id}"[:20]
    msh = ["MSH", "^~\\&", APPLICATION, "", *map(_plain, back), now, "", kind, number, "P", _plain(version) or "2.5.1"]
    msh += ["", "", "", "", "", "UNICODE UTF-8"]
    msa = ["MSA", code, _plain(control_id), _plain(says)[:LONGEST]]
    segments = ["|".join(msh), "|".join(msa)]
    if code != "AA":
        segments.append("|".join(["ERR", "", "", f"{error}^^HL70357", "E", "", "", "", _plain(says)[:LONGEST]]))
    return ("\r".join(segments) + "\r").encode()


def _plain(text: str) -> str:
    """A text as a field of our own message: what would be a delimiter is escaped."""
    escaped = text.replace("\\", "\\E\\")
    for mark, name in (("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        escaped = escaped.replace(mark, f"\\{name}\\")
    return "".join(c if c.isprintable() else " " for c in escaped)
