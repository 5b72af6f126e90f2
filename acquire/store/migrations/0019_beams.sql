-- What people say of beams. Which parts of a signal are the irradiation of a step, and which are something else (a port
-- image): the newest statement of a part counts. And of a step: that what is measured now is the rest of an interrupted
-- beam, that no beam was given in it after all, that its beam came during another step, that two points were as planned.

CREATE TABLE beam_part_said (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    measurement TEXT NOT NULL REFERENCES attempt,
    begin_s REAL NOT NULL,           -- the part as it was seen, on the instrument's own clock
    end_s REAL NOT NULL,
    nc REAL NOT NULL,
    what TEXT NOT NULL,              -- "irradiation", or what it was instead
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (confirmed_by <> who)
) STRICT;

CREATE TABLE beam_statement (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    what TEXT NOT NULL CHECK (what IN ('rest', 'no-beam', 'as-planned', 'order')),
    step TEXT,
    subject TEXT NOT NULL,           -- rest: the measurement; no-beam: the step; order: the step it came in; as-planned: the points
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (confirmed_by <> who)
) STRICT;

CREATE INDEX beam_part_said_session ON beam_part_said (session);
CREATE INDEX beam_statement_session ON beam_statement (session);

CREATE TRIGGER beam_part_said_no_update BEFORE UPDATE ON beam_part_said
BEGIN SELECT RAISE(ABORT, 'beam_part_said is append-only'); END;
CREATE TRIGGER beam_part_said_no_delete BEFORE DELETE ON beam_part_said
BEGIN SELECT RAISE(ABORT, 'beam_part_said is append-only'); END;
CREATE TRIGGER beam_statement_no_update BEFORE UPDATE ON beam_statement
BEGIN SELECT RAISE(ABORT, 'beam_statement is append-only'); END;
CREATE TRIGGER beam_statement_no_delete BEFORE DELETE ON beam_statement
BEGIN SELECT RAISE(ABORT, 'beam_statement is append-only'); END;
