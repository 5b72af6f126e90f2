-- The physicist's and the physician's words, their signatures, and what followed (docs/adr/0031-signatures.md). Append-only.

CREATE TABLE signed_words (          -- what somebody writes of a session, to be signed; the newest of a version counts
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    version INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('review', 'interpretation', 'decision')),
    choice TEXT CHECK (choice IN ('unchanged', 'adjusted', 're-planned')),
    words TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK ((what = 'decision') = (choice IS NOT NULL))
) STRICT;

CREATE TABLE signature (
    session TEXT NOT NULL REFERENCES session,
    version INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,              -- printed name, role and meaning: 21 CFR 11.50
    role TEXT NOT NULL,
    meaning TEXT NOT NULL CHECK (meaning IN ('review', 'interpretation')),
    covering_for TEXT,               -- the prescriber, where another physician signs
    record_sha256 TEXT NOT NULL,     -- of what was shown: record, words and the signatures before this one (11.70)
    at TEXT NOT NULL,                -- UTC
    local_at TEXT NOT NULL,          -- the same with the local offset
    made_after INTEGER,
    audit_entry INTEGER,             -- what came after it is a change
    PRIMARY KEY (session, version, n)
) STRICT;

CREATE TABLE rendition (             -- the record as it stood with that signature, to the byte
    session TEXT NOT NULL,
    version INTEGER NOT NULL,
    n INTEGER NOT NULL,
    json TEXT NOT NULL REFERENCES document,
    html TEXT NOT NULL REFERENCES document,
    made_after INTEGER,
    PRIMARY KEY (session, version, n),
    FOREIGN KEY (session, version, n) REFERENCES signature
) STRICT;

CREATE TABLE amendment (             -- a version after the first
    session TEXT NOT NULL REFERENCES session,
    version INTEGER NOT NULL CHECK (version > 1),
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (session, version)
) STRICT;

CREATE TABLE covering (              -- who may sign in the prescriber's place
    n INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders,
    physician TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (who <> physician)
) STRICT;

CREATE TABLE disclosure (            -- who was given which version: they get its correction
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    version INTEGER,                 -- NULL: an unsigned draft
    sha256 TEXT NOT NULL,            -- of the bytes that were given
    format TEXT NOT NULL,
    recipient TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE INDEX signed_words_session ON signed_words (session);
CREATE INDEX disclosure_session ON disclosure (session);

CREATE TRIGGER signed_words_no_update BEFORE UPDATE ON signed_words
BEGIN SELECT RAISE(ABORT, 'signed_words is append-only'); END;
CREATE TRIGGER signed_words_no_delete BEFORE DELETE ON signed_words
BEGIN SELECT RAISE(ABORT, 'signed_words is append-only'); END;

CREATE TRIGGER signature_no_update BEFORE UPDATE ON signature
BEGIN SELECT RAISE(ABORT, 'signature is append-only'); END;
CREATE TRIGGER signature_no_delete BEFORE DELETE ON signature
BEGIN SELECT RAISE(ABORT, 'signature is append-only'); END;

CREATE TRIGGER rendition_no_update BEFORE UPDATE ON rendition
BEGIN SELECT RAISE(ABORT, 'rendition is append-only'); END;
CREATE TRIGGER rendition_no_delete BEFORE DELETE ON rendition
BEGIN SELECT RAISE(ABORT, 'rendition is append-only'); END;

CREATE TRIGGER amendment_no_update BEFORE UPDATE ON amendment
BEGIN SELECT RAISE(ABORT, 'amendment is append-only'); END;
CREATE TRIGGER amendment_no_delete BEFORE DELETE ON amendment
BEGIN SELECT RAISE(ABORT, 'amendment is append-only'); END;

CREATE TRIGGER covering_no_update BEFORE UPDATE ON covering
BEGIN SELECT RAISE(ABORT, 'covering is append-only'); END;
CREATE TRIGGER covering_no_delete BEFORE DELETE ON covering
BEGIN SELECT RAISE(ABORT, 'covering is append-only'); END;

CREATE TRIGGER disclosure_no_update BEFORE UPDATE ON disclosure
BEGIN SELECT RAISE(ABORT, 'disclosure is append-only'); END;
CREATE TRIGGER disclosure_no_delete BEFORE DELETE ON disclosure
BEGIN SELECT RAISE(ABORT, 'disclosure is append-only'); END;
