-- What people say of an instrument's input that ends its zero and leakage, or since when the instrument is on. Ordered
-- among attempts by the entries of the audit trail; `moment` is where they say when it was (ISO 8601, with its offset).

CREATE TABLE input_changed (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    instrument TEXT NOT NULL,
    what TEXT NOT NULL CHECK (
        what IN ('cable', 'detector', 'channel', 'range', 'voltage', 'switched-off', 'on-since')
    ),
    moment TEXT,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (what <> 'on-since' OR moment IS NOT NULL)
) STRICT;

CREATE INDEX input_changed_session ON input_changed (session);

CREATE TRIGGER input_changed_no_update BEFORE UPDATE ON input_changed
BEGIN SELECT RAISE(ABORT, 'input_changed is append-only'); END;
CREATE TRIGGER input_changed_no_delete BEFORE DELETE ON input_changed
BEGIN SELECT RAISE(ABORT, 'input_changed is append-only'); END;

-- The rest of an interrupted beam that began in another session; NULL where it began in the same one.
ALTER TABLE beam_statement ADD COLUMN of_session TEXT;
ALTER TABLE beam_statement ADD COLUMN of_step TEXT;
