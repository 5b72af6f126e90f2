"""Identities in an SQLite file of their own, one version a row, none ever overwritten.

The file's secret makes the marks; it is random, stays the same when the key is changed, and lies encrypted like
everything else. What is looked up (a record number) is found by its mark, so that nothing is decrypted for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Self

from acquire.canonical import canonical, parse
from acquire.patients import sealed
from acquire.patients.identity import Identifier, Identity
from acquire.patients.room import PatientsError
from acquire.plain_files import must_be_plain
from acquire.private import private

_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS identity (
    patient TEXT NOT NULL, version INTEGER NOT NULL, mark TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (patient, version)
) STRICT;
CREATE TABLE IF NOT EXISTS known_as (
    n INTEGER PRIMARY KEY, identifier TEXT NOT NULL, patient TEXT NOT NULL, UNIQUE (identifier, patient)
) STRICT;
CREATE TABLE IF NOT EXISTS original (mark TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""
_SECRET, _KEY = "secret", "key"


def beside(store: Path) -> Path:
    """Where the identities of a store lie unless the configuration says otherwise: store.db, store.patients.db."""
    return store.with_name(f"{store.stem}.patients{store.suffix}")


class PatientsFile:
    """The file of a store, opened; a new one is made where there is none. A context manager."""

    def __init__(self, path: Path | None, key: bytes | None = None) -> None:
        """`path`: None keeps in memory. Raises PatientsError: no such key, a file that is none."""
        self._path, self._key = path, key
        try:
            if path is not None:
                must_be_plain(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                private(path)
            self._file = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=10)
            self._make_ready()
        except (sqlite3.Error, OSError) as error:
            raise PatientsError(f"The patients' file {path} cannot be used: {error}.") from error

    def _make_ready(self) -> None:
        try:
            self._file.execute("PRAGMA secure_delete = ON")
            self._file.execute("PRAGMA synchronous = FULL")
            with self.all_or_nothing():
                for statement in _TABLES.split(";\n"):
                    self._file.execute(statement)
                self._secret = self._opened()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Patients.all_or_nothing; inside another it is a part of that."""
        if self._file.in_transaction:
            yield
            return
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def mark(self, body: bytes) -> str:
        """Patients.mark."""
        return sealed.mark(self._secret, body)

    def known(self, identifiers: Sequence[Identifier]) -> list[str]:
        """Patients.known."""
        found: dict[str, None] = {}
        for each in identifiers:
            rows = self._file.execute(
                "SELECT patient FROM known_as WHERE identifier = ? ORDER BY n", (self.mark(each.key),)
            )
            found |= dict.fromkeys(str(row[0]) for row in rows)
        return list(found)

    def identity(self, patient: str) -> tuple[int, Identity] | None:
        """Patients.identity."""
        row = self._file.execute(
            "SELECT version, body FROM identity WHERE patient = ? ORDER BY version DESC LIMIT 1", (patient,)
        ).fetchone()
        if row is None:
            return None
        body = sealed.decrypted(self._key, f"identity {patient} {row[0]}", row[1])
        return int(row[0]), Identity.of_body(body)

    def enter(self, patient: str, identity: Identity) -> tuple[int, str]:
        """Patients.enter."""
        with self.all_or_nothing():
            now = self.identity(patient)
            body = identity.body()
            if now is not None and now[1] == identity:
                return now[0], self.mark(body)
            version = 1 if now is None else now[0] + 1
            kept = sealed.encrypted(self._key, f"identity {patient} {version}", body)
            self._file.execute("INSERT INTO identity VALUES (?, ?, ?, ?)", (patient, version, self.mark(body), kept))
            self._file.executemany(
                "INSERT OR IGNORE INTO known_as (identifier, patient) VALUES (?, ?)",
                [(self.mark(each.key), patient) for each in identity.identifiers],
            )
        return version, self.mark(body)

    def correct(self, patient: str, identity: Identity) -> tuple[int, str]:
        """Patients.correct."""
        with self.all_or_nothing():
            done = self.enter(patient, identity)
            marks = [self.mark(each.key) for each in identity.identifiers]
            self._file.execute(
                f"DELETE FROM known_as WHERE patient = ? AND identifier NOT IN ({', '.join('?' * len(marks))})",
                (patient, *marks),
            )
        return done

    def history(self, patient: str) -> list[tuple[int, Identity]]:
        """Patients.history."""
        rows = self._file.execute("SELECT version, body FROM identity WHERE patient = ? ORDER BY version", (patient,))
        return [
            (int(n), Identity.of_body(sealed.decrypted(self._key, f"identity {patient} {n}", body))) for n, body in rows
        ]

    def keep_original(self, name: str, body: bytes) -> str:
        """Patients.keep_original."""
        mark = self.mark(body)
        named = canonical(name) + b"\n" + body
        kept = sealed.encrypted(self._key, f"original {mark}", named)
        self._file.execute("INSERT OR IGNORE INTO original VALUES (?, ?)", (mark, kept))
        return mark

    def original(self, mark: str) -> tuple[str, bytes] | None:
        """Patients.original."""
        row = self._file.execute("SELECT body FROM original WHERE mark = ?", (mark,)).fetchone()
        if row is None:
            return None
        name, _, body = sealed.decrypted(self._key, f"original {mark}", row[0]).partition(b"\n")
        return str(parse(name)), body

    def versions(self) -> dict[tuple[str, int], str]:
        """Patients.versions; each is read, so that a body that was changed shows."""
        found = {}
        for patient, version, kept in self._file.execute("SELECT patient, version, body FROM identity"):
            try:
                found[patient, version] = self.mark(sealed.decrypted(self._key, f"identity {patient} {version}", kept))
            except PatientsError:
                found[patient, version] = ""
        return found

    def change_key(self, new: bytes) -> int:
        """Encrypt everything anew, in one transaction; returns how many rows. What was there is wiped from the file."""
        with self.all_or_nothing():
            done = 0
            for table, key, place in (
                ("about", "name", "about {0}"), ("identity", "patient, version", "identity {0} {1}"),
                ("original", "mark", "original {0}"),
            ):  # fmt: skip
                column = "value" if table == "about" else "body"
                for rowid, body, *at in self._file.execute(f"SELECT rowid, {column}, {key} FROM {table}").fetchall():
                    if (table, at[0]) == ("about", _KEY):
                        continue
                    plain = sealed.decrypted(self._key, place.format(*at), body)
                    kept = sealed.encrypted(new, place.format(*at), plain)
                    self._file.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (kept, rowid))
                    done += 1
            self._file.execute("UPDATE about SET value = ? WHERE name = ?", (sealed.fingerprint(new).encode(), _KEY))
        self._key = new
        self._file.execute("VACUUM")
        return done

    def _opened(self) -> bytes:
        """The file's secret. Raises PatientsError where the key is another one."""
        about = {str(name): bytes(value) for name, value in self._file.execute("SELECT name, value FROM about")}
        mine = sealed.fingerprint(self._key)
        if not about:
            secret = token_bytes(32)
            rows = [
                (_SECRET, sealed.encrypted(self._key, f"about {_SECRET}", secret)), (_KEY, mine.encode()),
            ]  # fmt: skip
            self._file.executemany("INSERT INTO about VALUES (?, ?)", rows)
            return secret
        used = about[_KEY].decode()
        if used != mine:
            raise PatientsError(_other_key(self._path, used, self._key))
        return sealed.decrypted(self._key, f"about {_SECRET}", about[_SECRET])


def _other_key(path: Path | None, used: str, key: bytes | None) -> str:
    if used == sealed.NOT_ENCRYPTED:
        return (
            f"The patients' file {path} is not encrypted yet; `acquire patients rotate` encrypts it with the new key."
        )
    if key is None:
        return (
            f"The patients' file {path} is encrypted; name the configuration whose [patients] has its key_file."
            " Measurements are read without it."
        )
    return (
        f"The patients' file {path} is encrypted with another key ({used}) than the one configured"
        f" ({sealed.fingerprint(key)}). Without its own key no identity can be read; no measurement is lost."
    )
