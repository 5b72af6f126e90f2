-- A reading that a reader has under another element's name, and which placed element it is of, as two people say
-- (a tray list that was mistyped, two chips exchanged in the tray). One reading is of one element.

CREATE TABLE read_as (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    placement INTEGER NOT NULL REFERENCES placement,
    read_as TEXT NOT NULL,           -- as the reader writes it
    element_index INTEGER,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,
    UNIQUE (stream, seq),
    CHECK (confirmed_by <> who)
) STRICT;

CREATE INDEX read_as_placement ON read_as (placement);

CREATE TRIGGER read_as_no_update BEFORE UPDATE ON read_as
BEGIN SELECT RAISE(ABORT, 'read_as is append-only'); END;
CREATE TRIGGER read_as_no_delete BEFORE DELETE ON read_as
BEGIN SELECT RAISE(ABORT, 'read_as is append-only'); END;
