"""Writing what is to be signed, naming who covers for a prescriber, opening a version, noting who was given which."""

from __future__ import annotations

import hashlib
import sqlite3

from acquire.canonical import utc_now
from acquire.duties import Role
from acquire.errors import Refused
from acquire.people import Account, get_account
from acquire.procedure.documents.order import get_order
from acquire.procedure.documents.people import same_person
from acquire.procedure.session.known_people import not_known
from acquire.procedure.session.session import Session, SessionState, get_session
from acquire.procedure.signing.rows import Choice, WordsOf
from acquire.procedure.signing.standing import Standing, standing
from acquire.store import audit
from acquire.store.database import transaction

MOST_CHARACTERS = 10_000


def write(
    connection: sqlite3.Connection, session_id: str, what: WordsOf, words: str, who: str, choice: Choice | None = None
) -> int:
    """Write the review, the interpretation or the decision of the version that is open; returns its number.

    Raises Refused: nothing said, people who are not known, no results yet, after the version's own signatures, or
    another physician's to say.
    """
    if len(words.strip()) < 2 or not any(c.isalnum() for c in words) or len(words) > MOST_CHARACTERS:
        raise Refused(f"Write the {what} in words, up to {MOST_CHARACTERS} characters.")
    with transaction(connection):
        session, now = signable(connection, session_id)
        if now.by("interpretation") is not None:
            raise Refused(f"Version {now.version} of {session_id} is signed; acquire session amend opens the next one.")
        if what == "review" and now.signatures:
            raise Refused(f"The review of version {now.version} is signed; acquire session amend opens the next one.")
        if what != "review":
            covers_for(connection, session, get_account(connection, who))
        row = audit.row(
            "signed_words", session=session.id, version=now.version, what=what, choice=choice, words=words.strip(),
            who=who, at=utc_now(),
        )  # fmt: skip
        audit.keep(connection, who, "words written", session.id, rows=[row], new=f"{what} v{now.version}")
    return now.version


def signable(connection: sqlite3.Connection, session_id: str) -> tuple[Session, Standing]:
    """A session that may be written about and signed as it stands. Raises Refused."""
    session = get_session(connection, session_id)
    if typed := not_known(connection, session):
        raise Refused(f"Nothing of {session_id} can be signed. {typed}")
    if session.state is not SessionState.CALCULATED:
        raise Refused(f"Session {session_id} is {session.state}; it is signed once its results are calculated.")
    now = standing(connection, session)
    if now.changes:
        raise Refused(
            f"Version {now.version} of {session_id} is signed as it was, and since then: {' '.join(now.changes[:3])}"
            f" What is there now is a new version: acquire session amend {session_id} --reason WHY."
        )
    return session, now


def amend(connection: sqlite3.Connection, session_id: str, reason: str, who: str) -> int:
    """Open the next version; the one before stands as it was signed. Returns the new number.

    Raises Refused without a reason, or where nothing of the version before is signed.
    """
    if not reason.strip():
        raise Refused("Say why there is to be a new version.")
    with transaction(connection):
        session = get_session(connection, session_id)
        now = standing(connection, session)
        if not now.signatures:
            raise Refused(f"Version {now.version} of {session_id} is not signed yet: it can be changed as it is.")
        row = audit.row("amendment", session=session.id, version=now.version + 1, reason=reason, who=who, at=utc_now())
        audit.keep(connection, who, "amended", session.id, rows=[row], new=f"v{now.version + 1}", reason=reason)
    return now.version + 1


def cover(connection: sqlite3.Connection, order_id: str, physician: str, reason: str, who: str) -> str:
    """Name a physician who may interpret in the prescriber's place; by the prescriber or an administrator.

    Returns the account. Raises Refused for anybody else, for oneself, and for one who is no physician.
    """
    order, named, by = get_order(connection, order_id), get_account(connection, physician), get_account(connection, who)
    if not reason.strip():
        raise Refused("Say why another physician covers.")
    if not named.has(Role.PHYSICIAN):
        raise Refused(f"{named.id} is no {Role.PHYSICIAN}: only one covers for another.")
    if not (by.has(Role.ADMINISTRATOR) or prescribes(by, order.requester)):
        raise Refused(
            f"{by.id} is not {order.requester}, who ordered it: that one or an administrator names who covers."
        )
    if named.id == by.id:
        raise Refused("Nobody names themselves.")
    with transaction(connection):
        row = audit.row("covering", order_id=order_id, physician=named.id, reason=reason, who=who, at=utc_now())
        audit.keep(connection, who, "covering named", order_id, rows=[row], new=named.id, reason=reason)
    return named.id


def covers_for(connection: sqlite3.Connection, session: Session, account: Account) -> str | None:
    """For whom a physician covers who interprets a session; None for whoever ordered it, or for whom it was ordered.

    Raises Refused for any other.
    """
    order = get_order(connection, session.order_id)
    if any(prescribes(account, each) for each in (order.requester, order.covering_for) if each is not None):
        return None
    if not covers(connection, session.order_id, account.id):
        raise Refused(
            f"The order is {order.requester}'s; {account.id} may interpret and sign it when named as covering (acquire"
            f" order cover {session.order_id} {account.id})."
        )
    return order.requester


def covers(connection: sqlite3.Connection, order_id: str, physician: str) -> bool:
    """Whether a physician was named to sign in the prescriber's place."""
    asked = "SELECT 1 FROM covering WHERE order_id = ? AND physician = ?"
    return connection.execute(asked, (order_id, physician)).fetchone() is not None


def prescribes(account: Account, requester: str) -> bool:
    """Whether an order's requester means this account."""
    return any(same_person(each, requester) for each in (account.id, *account.known_as))


def give(
    connection: sqlite3.Connection, session_id: str, version: int | None, body: bytes, form: str, to: str, who: str
) -> None:
    """Note that somebody is given a record's bytes. Raises Refused where it is not said who."""
    if not to.strip():
        raise Refused("Say who is given it.")
    row = audit.row(
        "disclosure", session=session_id, version=version, sha256=hashlib.sha256(body).hexdigest(), format=form,
        recipient=to.strip(), who=who, at=utc_now(),
    )  # fmt: skip
    with transaction(connection):
        audit.keep(connection, who, "record given", session_id, rows=[row], new=f"{to.strip()}, v{version or 'draft'}")
