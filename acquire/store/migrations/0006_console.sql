-- The total dwell time that an afterloader's console showed. The newest row of a session counts; all stay.

CREATE TABLE console_time (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    total_s REAL NOT NULL,
    treated_at TEXT NOT NULL,        -- as the console states it, with its offset
    who TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE TRIGGER console_time_no_update BEFORE UPDATE ON console_time
BEGIN SELECT RAISE(ABORT, 'console_time is append-only'); END;
CREATE TRIGGER console_time_no_delete BEFORE DELETE ON console_time
BEGIN SELECT RAISE(ABORT, 'console_time is append-only'); END;
