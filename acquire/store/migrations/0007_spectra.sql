-- Which spectrum file was given for which point. The file's bytes are a document; the newest row counts, all stay.

CREATE TABLE spectrum_file (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES document,
    at TEXT NOT NULL,
    who TEXT NOT NULL
) STRICT;

CREATE TRIGGER spectrum_file_no_update BEFORE UPDATE ON spectrum_file
BEGIN SELECT RAISE(ABORT, 'spectrum_file is append-only'); END;
CREATE TRIGGER spectrum_file_no_delete BEFORE DELETE ON spectrum_file
BEGIN SELECT RAISE(ABORT, 'spectrum_file is append-only'); END;
