-- With which standards an element was read, where the reader's records leave that open: those that stand before it, or
-- those that stand after it, in the reader's order. Said by one person and confirmed by another, of one readout; the
-- newest counts.

CREATE TABLE reader_run_stated (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    dosimeter TEXT NOT NULL,
    stream TEXT NOT NULL,            -- the readout that it is said of
    seq INTEGER NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('before', 'after')),
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (confirmed_by <> who)
) STRICT;

CREATE INDEX reader_run_stated_session ON reader_run_stated (session);

CREATE TRIGGER reader_run_stated_no_update BEFORE UPDATE ON reader_run_stated
BEGIN SELECT RAISE(ABORT, 'reader_run_stated is append-only'); END;
CREATE TRIGGER reader_run_stated_no_delete BEFORE DELETE ON reader_run_stated
BEGIN SELECT RAISE(ABORT, 'reader_run_stated is append-only'); END;
