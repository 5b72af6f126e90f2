-- How the instrument added up and what framed the measurement when an attempt began. Results are made from this and not
-- from what a later version of its driver says; attempts of earlier releases have no row, their inventory has it typed.

CREATE TABLE attempt_in_force (
    measurement TEXT PRIMARY KEY REFERENCES attempt,
    model TEXT NOT NULL,
    serial TEXT NOT NULL,
    measures TEXT,
    integrates TEXT NOT NULL,
    framing BLOB NOT NULL,           -- canonical JSON: zero, before, start, stop
    channel TEXT
) STRICT;

CREATE TRIGGER attempt_in_force_no_update BEFORE UPDATE ON attempt_in_force
BEGIN SELECT RAISE(ABORT, 'attempt_in_force is append-only'); END;
CREATE TRIGGER attempt_in_force_no_delete BEFORE DELETE ON attempt_in_force
BEGIN SELECT RAISE(ABORT, 'attempt_in_force is append-only'); END;
