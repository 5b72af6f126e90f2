-- Who was told that a signed record they had was corrected (docs/signatures.md). Append-only.

CREATE TABLE correction_told (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    version INTEGER NOT NULL,        -- the signed one that takes the place of what they had
    name TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('mailed', 'not-delivered')),
    reason TEXT,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE UNIQUE INDEX correction_told_mailed ON correction_told (session, version, name) WHERE what = 'mailed';

CREATE TRIGGER correction_told_no_update BEFORE UPDATE ON correction_told
BEGIN SELECT RAISE(ABORT, 'correction_told is append-only'); END;
CREATE TRIGGER correction_told_no_delete BEFORE DELETE ON correction_told
BEGIN SELECT RAISE(ABORT, 'correction_told is append-only'); END;
