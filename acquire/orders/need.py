"""The need that an order states: where it stands, whether it says something, when two are one text. No medicine."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+")
# Said instead of a need (payers refuse an order that is a ticked box); compared without case, blanks and punctuation.
_SAYS_NOTHING = """
na; none; nil; null; unknown; tbd; tba; todo; test; testing; see chart; see notes; see note; see record; see order;
see above; see attached; as above; as ordered; as needed; as per protocol; per protocol; per physician; per doctor;
per md; per order; standing order; standard; standard of care; routine; routine qa; quality assurance;
medical necessity; medically necessary; necessary; is necessary; physician order; doctors order; on request; other;
misc; yes; no;
not applicable; not available; not specified; no reason; no comment; special dosimetry; in vivo dosimetry;
siehe akte; keine; keine angabe; voir dossier; ver historia; zie dossier; vedi cartella
"""
_NOTHING = frozenset(" ".join(each.split()) for each in _SAYS_NOTHING.split(";"))
_FILLERS = """
please the this that is are was for of to by in on at a an and with from it be details detail reason reasons indication
indicated requested required request requires need needs needed patient patients file files attached department clinic
documentation documented doc physicist oncologist measurement measurements measure dose doses exam protocol
"""
_EMPTY = frozenset(" ".join([*_NOTHING, _FILLERS]).split())  # however such words are strung together, they say nothing
_STANDING = re.compile(r"\bstanding orders?\b|\b(?:all|every|each) (?:\w+ ){0,2}patients?\b(?!['’])")
_NEED = re.compile(r"necessity:", re.IGNORECASE)
_EFFECT = re.compile(r"\b(?:result\s{1,9})?decides\b:?", re.IGNORECASE)
MANY = 10  # orders with one wording: clinic's expectation 23


def need_and_effect(notes: str, reasons: list[str]) -> tuple[str | None, str | None]:
    """What follows "Necessity:" up to what the result decides, else the reasons; and what follows "decides"."""
    need, effect = _NEED.search(notes), _EFFECT.search(notes)
    until = _EFFECT.search(notes, need.end()) if need else None
    stated = notes[need.end() : until.start() if until else None].strip() if need else ""
    decides = notes[effect.end() :].strip() if effect else ""
    return stated or " ".join(reasons).strip() or None, decides or None


def says_nothing(text: str) -> str | None:
    """Why a text is no need, as the end of a sentence; None where it says something."""
    plain = _plain(text)
    words = plain.split()
    if not words or all(len(set(word)) == 1 for word in words):
        return "it holds no word"
    if len(set(words)) == 1 and plain not in _NOTHING and not _is_dense(plain):
        return "one word is not enough" if len(words) == 1 else "one word is repeated"
    own = _plain(_STANDING.sub(" ", text.casefold()))
    if set(own.split()) <= _EMPTY:
        return (
            "that is said of every patient" if own == plain else "that is a standing order, and none for this patient"
        )
    return None


def wording(text: str) -> str:
    """A digest of a text by its words alone: case, blanks, digits and punctuation make no other one."""
    return hashlib.sha256(_plain(text).encode()).hexdigest()


def _plain(text: str) -> str:
    joined = unicodedata.normalize("NFKC", text).casefold().replace("/", "").replace("'", "")
    return " ".join(_WORD.findall(joined))


def _is_dense(word: str) -> bool:
    """Whether a script without blanks between its words may say a whole sentence in it (Chinese, Japanese, Thai)."""
    return len(set(word)) >= 4 and not any("LATIN" in unicodedata.name(c, "") for c in word) and ord(word[0]) > 0xE00
