"""The part of the service that sees that notices reach people: reminders, stand-ins, mail, and what became of it.

It looks at the store from time to time, so that it takes up after any end of the program what is still to be done. Mail
goes out beside the store's thread, one after the other; a mail that may have been taken before the program ended is
sent again, with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

from acquire.backoff import pause_s
from acquire.config_notices import NoticesConfig
from acquire.log import Log
from acquire.mail.known import recipients_not_known
from acquire.mail.letter import CorrectionLetter, Letter, correction, message
from acquire.mail.rounds import due_letters, due_stand_ins
from acquire.mail.sending import NotSent
from acquire.mail.waiting import Now, waited_s
from acquire.once import Once
from acquire.procedure.session import due
from acquire.procedure.session.notices import Notice, mark, notice_named, notices
from acquire.procedure.signing.corrections import corrections, note
from acquire.store import clock
from acquire.store.database import identity, transaction

log = Log("notices")
T = TypeVar("T")
Key = tuple[int | str, str]  # a notice or a corrected record, and to whom

LOOK_EVERY_S = 2.0
TRIES = 3  # a server that says "later" (greylisting) is believed so often before it is told
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0


class Use(Protocol):
    """Does something with the store on its own thread (acquire.store.worker). Raises sqlite3.Error."""

    async def __call__(self, work: Callable[[sqlite3.Connection], T]) -> T: ...


class Mailer(Protocol):
    """Hands a mail to a server; raises NotSent."""

    async def send(self, mail: EmailMessage) -> None: ...


def now_here() -> Now:
    """The clocks of this machine."""
    return Now(clock.boot(), clock.monotonic_s(), datetime.now(UTC))


class Courier:
    """`config` is None where nobody is named: then results that are due are still noticed. `now`: the clocks."""

    def __init__(
        self,
        use: Use,
        config: NoticesConfig | None,
        mailer: Mailer | None,
        now: Callable[[], Now] = now_here,
        pause: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._use, self._config, self._mailer, self._now, self._pause = use, config, mailer, now, pause
        self._failed: dict[Key, tuple[int, float]] = {}  # how often in a row; not before, monotonic s
        self._settled: set[str] = set()  # sessions in which nothing becomes due any more
        self._faults = Once()

    async def run(self) -> None:
        """Until cancelled. A store that cannot be used now is asked again."""
        if self._config is None:
            log.warning("nobody is told of results out of tolerance: the configuration has no [notices]")
        else:
            await self._say_who_is_not_known(self._config)
        while True:
            try:
                await self.look()
            except sqlite3.Error as error:
                if self._faults.is_new(str(error)):
                    log.warning("notices wait for the store", why=str(error))
            else:
                self._faults.is_over()
            await self._pause(LOOK_EVERY_S)

    async def _say_who_is_not_known(self, config: NoticesConfig) -> None:
        with suppress(sqlite3.Error):  # `acquire check` says it, too
            for sentence in await self._use(lambda connection: recipients_not_known(connection, config)):
                log.warning(sentence)

    async def look(self) -> None:
        """Once: make what has become due, pass on to stand-ins, send what is due. Raises sqlite3.Error."""
        letters, corrected, store = await self._use(self._look)
        if self._mailer is None or self._config is None or self._config.mail is None:
            return
        sender = self._config.mail.sender
        for letter in letters:
            mail, who = message(letter, sender, store), letter.recipient.name
            await self._deliver((letter.notice.n, who), mail, partial(_mailed, letter), partial(_not_delivered, letter))
        for each in corrected:
            mail, who = correction(each, sender, store), each.recipient.name
            told = partial(_told, each)
            await self._deliver((f"{each.session} v{each.version}", who), mail, told, told)

    def _look(self, connection: sqlite3.Connection) -> tuple[list[Letter], list[CorrectionLetter], str]:
        now = self._now()
        self._remind(connection, now.at)
        letters: list[Letter] = []
        unread = notices(connection, unread=True) if self._config is not None else []
        for notice in unread:
            letters += self._of_notice(connection, notice, now)
        return letters, self._corrected(connection), identity(connection)[0]

    def _corrected(self, connection: sqlite3.Connection) -> list[CorrectionLetter]:
        """Mails about corrections to whoever had what was corrected and has an address here."""
        known = {} if self._config is None else {each.name.casefold(): each for each in self._config.recipient}
        return [
            CorrectionLetter(each.session, each.version, known[name.casefold()])
            for each in corrections(connection)
            for name in each.untold
            if name.casefold() in known
        ]

    def _remind(self, connection: sqlite3.Connection, at: datetime) -> None:
        for (session,) in connection.execute("SELECT id FROM session").fetchall():
            if (
                session not in self._settled
                and not due.remind(connection, session, at)
                and _is_over(connection, session)
            ):
                self._settled.add(session)

    def _of_notice(self, connection: sqlite3.Connection, notice: Notice, now: Now) -> list[Letter]:
        assert self._config is not None
        with transaction(connection):
            waited = waited_s(connection, notice.n, now)
            for role in due_stand_ins(notice, waited, self._config):
                mark(connection, notice, "stand-in", role=role)
        return [*due_letters(notice, waited, self._config)]

    async def _deliver(
        self, key: Key, mail: EmailMessage, mailed: Callable[[sqlite3.Connection], None],
        not_delivered: Callable[[sqlite3.Connection, str], None],
    ) -> None:  # fmt: skip
        """Hand one mail over, unless a try before it asks for patience, and write down what became of it."""
        assert self._mailer is not None
        if self._failed.get(key, (0, 0.0))[1] > self._now().boot_s:
            return
        try:
            await self._mailer.send(mail)
        except NotSent as reason:
            tries = self._failed.get(key, (0, 0.0))[0] + 1
            wait_s = pause_s(tries - 1, FIRST_PAUSE_S, LONGEST_PAUSE_S)
            self._failed[key] = tries, self._now().boot_s + wait_s
            log.warning("a mail was not delivered", about=key[0], why=str(reason), tries=tries)
            if not reason.later or tries >= TRIES:
                why = str(reason)
                await self._use(lambda connection: not_delivered(connection, why))
        else:
            self._failed.pop(key, None)
            await self._use(mailed)


def _is_over(connection: sqlite3.Connection, session: str) -> bool:
    state = "SELECT state FROM session_state WHERE session = ? ORDER BY n DESC LIMIT 1"
    return connection.execute(state, (session,)).fetchone()["state"] in ("CALCULATED", "CANCELLED")


def _mailed(letter: Letter, connection: sqlite3.Connection) -> None:
    with transaction(connection):
        mark(connection, letter.notice, "mailed", name=letter.recipient.name, round=letter.round)


def _not_delivered(letter: Letter, connection: sqlite3.Connection, why: str) -> None:
    """Said once, until a mail to the same person was taken."""
    with transaction(connection):
        if letter.recipient.name not in notice_named(connection, letter.notice.n).not_delivered:
            mark(connection, letter.notice, "not-delivered", name=letter.recipient.name, reason=why)


def _told(letter: CorrectionLetter, connection: sqlite3.Connection, why: str | None = None) -> None:
    what: Literal["mailed", "not-delivered"] = "mailed" if why is None else "not-delivered"
    note(connection, letter.session, letter.version, letter.recipient.name, what, why)
