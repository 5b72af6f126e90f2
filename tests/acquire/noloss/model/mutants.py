"""One rule taken away, named by its number in docs/noloss.md, and a scenario in which an invariant must show it."""

from __future__ import annotations

from typing import NamedTuple

from model.rules import Scenario, scenario


class Mutant(NamedTuple):
    """The rule, what happens in its place, and where it shows."""

    rule: str
    instead: str
    scenario: Scenario


_RESTORE = {"backup": 1, "restore": 1}
_DAYS = scenario("days", "Br", days=True)
_RESTORED = scenario("store restored", "Br", _RESTORE, days=True)
_FLIPPED = scenario("flipped bit", "Br", {"flipped bit": 1})
_ON_THE_WAY = scenario("damaged on the way", "Br", way_damages=True)
_FILE = scenario("spool file damaged", "Brr", {"damaged file": 1}, streams=3)
_ASIDE = scenario("file aside, closing", "rr", {"damaged file": 1, "store start": 1})
_SPOOL_BACK_CLOSING = scenario("spool put back, closing", "rr", {"spool copy": 1, "spool restore": 1, "store start": 1})
_PUT_BACK = scenario(
    "spool put back, closing", "rr", {"spool copy": 1, "spool restore": 1, "store start": 1, "link lost": 1}
)
_SPOOL_BACK = scenario("spool put back", "Br", {"spool copy": 1, "spool restore": 1})
_TAIL = scenario("lost below an entry", "BEr", {"spool copy": 1, "spool restore": 1}, streams=1)
_STARTS = scenario("clock steps", "rr", {"clock step": 2, "store start": 1, "link lost": 1})

SOURCE = (
    Mutant("1 restored", "a spool put back ends its streams as after a crash", _SPOOL_BACK),
    Mutant("2 older", "older counts only the streams before that of the message",
           scenario("m", "rrr", {"store start": 1, "link lost": 2}, streams=3)),
    Mutant("3.11 copy", "what a copy took the place of is not put aside", _SPOOL_BACK_CLOSING),
    Mutant("2 tail", "older does not count what a copy has the beginning of", _SPOOL_BACK_CLOSING),
    Mutant("2 put back", "older does not count a copy's stream that is its instrument's newest", _PUT_BACK),
    Mutant("2 aside", "older does not count the streams of a file that was put aside", _ASIDE),
    Mutant("2 salvaged", "older does not count a salvaged stream that is its instrument's newest", _ASIDE),
    Mutant("3.1", "a stream goes on after a restart from a copy",
           scenario("m", "Brr", {"spool copy": 1, "spool restore": 1})),
    Mutant("3.2 once", "after a crash unconfirmed entries go into the new stream again",
           scenario("m", "Br", {"source crash": 1}, streams=3)),
    Mutant("3.5 puback", "the broker's acknowledgement counts as committed", _DAYS),
    Mutant("3.5a", "answers to earlier questions are believed", _RESTORED._replace(script="r", streams=1)),
    Mutant("3.5b", "a store that the spool was not paired with is believed", _DAYS),
    Mutant("3.5c epoch", "the store's epoch is ignored, the highest watermark counts", _RESTORED),
    Mutant("3.5c floor", "a store that went back within its epoch is not noticed", _RESTORED._replace(by_hand=True)),
    Mutant("3.5c ages", "the age of a confirmation outlives a change of epoch",
           scenario("m", "r", {"backup": 1, "restore": 2}, streams=1, days=True)),
    Mutant("3.7 i", "pruned on what was believed before, without asking", _RESTORED),
    Mutant("3.7 ii", "pruned as soon as confirmed", _RESTORED),
)  # fmt: skip
STORE = (
    Mutant("4.2 conflict", "other content under a key that is taken is dropped",
           scenario("m", "Br", {"flipped bit": 1}, streams=1)),
    Mutant("4.2 overwrite", "a stand-in takes the place of the original", _FLIPPED),
    Mutant("4.3", "a refused entry is dropped without a row", scenario("m", "Br", poison=1)),
    Mutant("4.5", "the store waits for ever for what the source no longer has", _RESTORED._replace(too_old=True)),
    Mutant("4.5 oldest", "the lost range takes in the oldest seq that is still held",
           scenario("m", "rr", {"restore": 1}, streams=1, days=True)),
    Mutant("4.6 gap", "the watermark is the highest seq, not the highest without a gap", _DAYS),
    Mutant("4.6 commit", "the answer is published before the commit",
           scenario("m", "Br", {"store start": 1}, workers=1, days=True)),
    Mutant("4.8 through", "readings beyond the watermark are attached at once", scenario("m", "BrEr")),
    Mutant("4.8 refused", "a refused marker does not end attribution", scenario("m", "BrEr", poison=2)),
    Mutant("4.8 lost", "a lost range does not end attribution", _TAIL),
    Mutant("4.9", "a stream without gaps is called complete, its end unheard", scenario("m", "Br")),
    Mutant("4.10 epoch", "a word about another epoch opens the way to closing",
           scenario("m", "rr", {"link lost": 1, **_RESTORE})),
)  # fmt: skip
ADDED = (
    Mutant("1 checksum", "the checksum is of the body alone, not of its key", _ON_THE_WAY),
    Mutant("3.2 checksum", "the checksum is made when the entry is sent", _FLIPPED),
    Mutant("3.4 checked", "what is read of the spool is not checked", _FLIPPED),
    Mutant("3.4 at once", "a damaged entry holds its stream", _FLIPPED),
    Mutant("3.4 kept", "what was damaged is given up, with what is before it", _FLIPPED),
    Mutant("4.2 checksum", "the store does not check", _ON_THE_WAY),
    Mutant("4.2 again", "what was damaged on the way is refused for good", _ON_THE_WAY),
    Mutant("4.2 lost", "an entry that comes after all stays lost", scenario("m", "BrE", {"declared": 1})),
    Mutant("9.8", "a declaration stays when the source is back", scenario("m", "BrE", {"declared": 1})),
    Mutant("4.5 entries", "a lost range takes in the entries that lie in it",
           _TAIL),
    Mutant("3.11 kept", "the damaged file is deleted", _FILE),
    Mutant("3.11 ends", "the live stream goes on in the new file", _FILE),
    Mutant("3.11 seq", "a new file uses the seq of its streams again", _FILE),
    Mutant("6 salvage", "a salvaged stream's tail counts as known", _FILE),
    Mutant("4.1 known", "a batch may begin a stream", scenario("m", "rq", {"intruder": 1}, batches=True)),
    Mutant("4.1 host", "a batch may name another host's streams", scenario("m", "rq", {"intruder": 1}, batches=True)),
    Mutant("3.5 named", "an answer to a batch counts for all its parts",
           scenario("m", "rq", batches=True, way_damages=True)),
    Mutant("3.4 alone", "the first message of a stream goes in a batch", scenario("m", "rq", batches=True)),
    Mutant("3.6 alone", "what did not go through in a batch goes in a batch again",
           scenario("m", "rq", batches=True, batches_dropped=True)),
    Mutant("4.10 start", "what was heard before the store's start counts", _STARTS),
    Mutant("4.10 clock", "the store's clock says what was heard since its start", _STARTS),
    Mutant("4.10 clock ahead", "the same, where a clock that was ahead is looked at", _STARTS),
)  # fmt: skip
MUTANTS = (*SOURCE, *STORE, *ADDED)
