-- A record of a reader's file that was taken again, under a corrected description of its columns, in the place of what was
-- made of it before (docs/procedure.md). Both readings stay; two people say which counts.

CREATE TABLE read_anew (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,  -- in which it was noticed
    reader TEXT NOT NULL,
    file TEXT NOT NULL,
    stream TEXT NOT NULL,            -- the reading that counts no more
    seq INTEGER NOT NULL,
    by_stream TEXT NOT NULL,         -- and the one in its place, of the same bytes of the file
    by_seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    UNIQUE (stream, seq),
    CHECK (confirmed_by <> who)
) STRICT;

CREATE INDEX read_anew_by ON read_anew (by_stream, by_seq);
CREATE INDEX read_anew_session ON read_anew (session);

CREATE TRIGGER read_anew_no_update BEFORE UPDATE ON read_anew
BEGIN SELECT RAISE(ABORT, 'read_anew is append-only'); END;
CREATE TRIGGER read_anew_no_delete BEFORE DELETE ON read_anew
BEGIN SELECT RAISE(ABORT, 'read_anew is append-only'); END;
