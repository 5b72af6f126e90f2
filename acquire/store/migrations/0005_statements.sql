-- What people state of elements that lay on a patient. Append-only, as everything of the procedure.

CREATE TABLE element_statement (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    what TEXT NOT NULL CHECK (what IN ('excluded', 'imaging')),
    point TEXT NOT NULL,
    dosimeter TEXT,                  -- the one that is left out; NULL where it is said of all at the point
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    CHECK (what <> 'excluded' OR (dosimeter IS NOT NULL AND confirmed_by IS NOT NULL AND confirmed_by <> who))
) STRICT;

CREATE TRIGGER element_statement_no_update BEFORE UPDATE ON element_statement
BEGIN SELECT RAISE(ABORT, 'element_statement is append-only'); END;
CREATE TRIGGER element_statement_no_delete BEFORE DELETE ON element_statement
BEGIN SELECT RAISE(ABORT, 'element_statement is append-only'); END;
