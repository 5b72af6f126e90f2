-- More that people state in a session: no imaging was given, dose a chamber received before, when a reader really read.
-- The table is built anew because its list of kinds is part of it; every row is taken over as it is.

CREATE TABLE statement (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    what TEXT NOT NULL CHECK (what IN ('excluded', 'imaging', 'no-imaging', 'pre-irradiated', 'read-at')),
    point TEXT,                      -- NULL where it is said of a reader or a detector
    dosimeter TEXT,                  -- the element, detector or reader; NULL where it is said of all at the point
    value REAL,                      -- Gy, with 'pre-irradiated'
    moment TEXT,                     -- with its offset, with 'read-at'
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    CHECK (what NOT IN ('excluded', 'read-at')
           OR (dosimeter IS NOT NULL AND confirmed_by IS NOT NULL AND confirmed_by <> who)),
    CHECK (point IS NOT NULL OR dosimeter IS NOT NULL)
) STRICT;

INSERT INTO statement (n, session, what, point, dosimeter, reason, who, confirmed_by, at)
SELECT n, session, what, point, dosimeter, reason, who, confirmed_by, at FROM element_statement;

DROP TABLE element_statement;

CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement
BEGIN SELECT RAISE(ABORT, 'statement is append-only'); END;
CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement
BEGIN SELECT RAISE(ABORT, 'statement is append-only'); END;
