-- Which diode lay where, when it was not as planned: said by one person and confirmed by another. The newest of a point counts.

CREATE TABLE binding (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    planned TEXT NOT NULL,           -- detector and channel as the plan and inventory have them
    planned_channel TEXT NOT NULL,
    detector TEXT NOT NULL,          -- detector and channel as they really were
    channel TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    CHECK (confirmed_by <> who)
) STRICT;

CREATE INDEX binding_session ON binding (session);

CREATE TRIGGER binding_no_update BEFORE UPDATE ON binding
BEGIN SELECT RAISE(ABORT, 'binding is append-only'); END;
CREATE TRIGGER binding_no_delete BEFORE DELETE ON binding
BEGIN SELECT RAISE(ABORT, 'binding is append-only'); END;
