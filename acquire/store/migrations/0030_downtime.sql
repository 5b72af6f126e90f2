-- A measurement that was written down by hand while the computer was down (docs/adr/0036-downtime.md): the form that was
-- printed beforehand, what was entered from it and by whom, who compared it with the form, and what the electrometer kept.

CREATE TABLE downtime_form (
    n INTEGER PRIMARY KEY,           -- as it is printed on the form
    order_id TEXT NOT NULL REFERENCES orders,
    plan_version INTEGER NOT NULL,
    fraction INTEGER NOT NULL,
    sha256 TEXT NOT NULL REFERENCES document,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TABLE transcription (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    step TEXT NOT NULL,
    form INTEGER NOT NULL REFERENCES downtime_form,
    as_written TEXT NOT NULL,        -- value and unit as on the form
    nc REAL NOT NULL,
    read_at TEXT NOT NULL,           -- as on the form, with its offset
    written_by TEXT NOT NULL,        -- who filled the form
    scan TEXT NOT NULL REFERENCES document,
    serial TEXT NOT NULL,            -- of the detector, and the most it received
    at_most_gy REAL NOT NULL,
    reason TEXT NOT NULL,            -- why it was not measured as usual; of a correction, why it is one
    replaces INTEGER REFERENCES transcription,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TABLE transcription_checked (
    transcription INTEGER PRIMARY KEY REFERENCES transcription,
    as_written TEXT NOT NULL,        -- as the second person read it from the form
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TABLE total_read_back (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    stream TEXT,                     -- the reading; NULL where two people set the total aside, with the reason
    seq INTEGER,
    nc REAL,
    limit_percent REAL,
    reason TEXT,
    who TEXT NOT NULL,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK ((nc IS NULL) = (reason IS NOT NULL AND confirmed_by IS NOT NULL)),
    CHECK ((nc IS NULL) = (stream IS NULL) AND (nc IS NULL) = (seq IS NULL) AND (nc IS NULL) = (limit_percent IS NULL)),
    CHECK (confirmed_by IS NULL OR confirmed_by <> who)
) STRICT;

CREATE INDEX transcription_session ON transcription (session);
CREATE INDEX transcription_serial ON transcription (serial);
CREATE INDEX total_read_back_session ON total_read_back (session);

CREATE TRIGGER downtime_form_no_update BEFORE UPDATE ON downtime_form
BEGIN SELECT RAISE(ABORT, 'downtime_form is append-only'); END;
CREATE TRIGGER downtime_form_no_delete BEFORE DELETE ON downtime_form
BEGIN SELECT RAISE(ABORT, 'downtime_form is append-only'); END;
CREATE TRIGGER transcription_no_update BEFORE UPDATE ON transcription
BEGIN SELECT RAISE(ABORT, 'transcription is append-only'); END;
CREATE TRIGGER transcription_no_delete BEFORE DELETE ON transcription
BEGIN SELECT RAISE(ABORT, 'transcription is append-only'); END;
CREATE TRIGGER transcription_checked_no_update BEFORE UPDATE ON transcription_checked
BEGIN SELECT RAISE(ABORT, 'transcription_checked is append-only'); END;
CREATE TRIGGER transcription_checked_no_delete BEFORE DELETE ON transcription_checked
BEGIN SELECT RAISE(ABORT, 'transcription_checked is append-only'); END;
CREATE TRIGGER total_read_back_no_update BEFORE UPDATE ON total_read_back
BEGIN SELECT RAISE(ABORT, 'total_read_back is append-only'); END;
CREATE TRIGGER total_read_back_no_delete BEFORE DELETE ON total_read_back
BEGIN SELECT RAISE(ABORT, 'total_read_back is append-only'); END;

-- Clocks of other machines against this computer's, compared by a person; nothing is attributed by them. And who took a
-- session over in its middle.

CREATE TABLE clock_compared (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    machine TEXT NOT NULL,
    theirs TEXT NOT NULL,            -- with its offset from UTC
    ours TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TABLE taken_over (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    from_whom TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (from_whom <> who)
) STRICT;

CREATE INDEX clock_compared_session ON clock_compared (session);
CREATE INDEX taken_over_session ON taken_over (session);

CREATE TRIGGER clock_compared_no_update BEFORE UPDATE ON clock_compared
BEGIN SELECT RAISE(ABORT, 'clock_compared is append-only'); END;
CREATE TRIGGER clock_compared_no_delete BEFORE DELETE ON clock_compared
BEGIN SELECT RAISE(ABORT, 'clock_compared is append-only'); END;
CREATE TRIGGER taken_over_no_update BEFORE UPDATE ON taken_over
BEGIN SELECT RAISE(ABORT, 'taken_over is append-only'); END;
CREATE TRIGGER taken_over_no_delete BEFORE DELETE ON taken_over
BEGIN SELECT RAISE(ABORT, 'taken_over is append-only'); END;
