"""Messages that are not believed: the beginning and the count of each, and never more rows than a bound.

A flood of different ones (somebody's broken program, or malice) must not fill the disk that readings are to be written
to. So a topic has so many rows and the table so many, and what comes on top is only counted: under "more" of its topic,
or under the topic "*". No count is lost: the sum of `count` is the number of messages. What is kept of each:
docs/noloss.md rule 4.7.
"""

from __future__ import annotations

import hashlib
import sqlite3

from acquire.canonical import utc_now
from acquire.store.alarms import raise_alarm

KEPT_OF_ONE = 4096  # bytes
LONGEST_TEXT = 200  # characters kept of a topic and of a reason
MOST, MOST_OF_TOPIC = 2000, 100  # rows


def keep_unreadable(connection: sqlite3.Connection, topic: str, payload: bytes, why: str) -> None:
    """Keep and count one message inside the transaction that found it, and raise an alarm for its topic (rule 4.7)."""
    topic, why = printable(topic), printable(why)
    topic, key = _place(connection, topic, hashlib.sha256(payload).hexdigest())
    connection.execute(
        "INSERT INTO unreadable VALUES (?, ?, ?, ?, ?, 1, ?)"
        " ON CONFLICT (topic, sha256) DO UPDATE SET count = count + 1, last_at = excluded.last_at",
        (topic, key, len(payload), payload[:KEPT_OF_ONE], why, utc_now()),
    )
    raise_alarm(connection, "unreadable message", topic, f"A message on {topic} was kept unread: it is {why}.")


def count(connection: sqlite3.Connection) -> int:
    """How many messages were kept unread since the store was made."""
    return int(connection.execute("SELECT coalesce(sum(count), 0) FROM unreadable").fetchone()[0])


def _place(connection: sqlite3.Connection, topic: str, digest: str) -> tuple[str, str]:
    """The key of its row: its own where there is room or it was there before."""
    where = (topic, digest)
    if connection.execute("SELECT 1 FROM unreadable WHERE topic = ? AND sha256 = ?", where).fetchone():
        return where
    (of_topic,) = connection.execute("SELECT count(*) FROM unreadable WHERE topic = ?", (topic,)).fetchone()
    (of_all,) = connection.execute("SELECT count(*) FROM unreadable").fetchone()
    if of_all >= MOST:
        return "*", "more"
    return where if of_topic < MOST_OF_TOPIC else (topic, "more")


def printable(text: str, longest: int = LONGEST_TEXT) -> str:
    """At most `longest` characters, without control characters, which would write lines of their own into a log."""
    return "".join(c if c.isprintable() else "�" for c in text[:longest])
