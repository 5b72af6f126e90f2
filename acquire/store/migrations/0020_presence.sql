-- What people say of elements and the beam where the order of the entries does not tell it (docs/adr/0026-presence.md):
-- that the beam of points was given, or was not, where no instrument measures it; that an element lay there while the beam
-- was on; that an element was off the patient before a readout, which it is said of. The last two by two people.

CREATE TABLE presence_stated (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    what TEXT NOT NULL CHECK (what IN ('beam-given', 'no-beam', 'was-there', 'was-removed')),
    point TEXT NOT NULL,
    placement INTEGER REFERENCES placement,  -- with 'was-there' and 'was-removed'
    stream TEXT,                     -- the readout, with 'was-removed'
    seq INTEGER,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,
    CHECK (what IN ('beam-given', 'no-beam')
           OR (placement IS NOT NULL AND confirmed_by IS NOT NULL AND confirmed_by <> who)),
    CHECK ((what = 'was-removed') = (stream IS NOT NULL AND seq IS NOT NULL))
) STRICT;

CREATE INDEX presence_stated_session ON presence_stated (session);

CREATE TRIGGER presence_stated_no_update BEFORE UPDATE ON presence_stated
BEGIN SELECT RAISE(ABORT, 'presence_stated is append-only'); END;
CREATE TRIGGER presence_stated_no_delete BEFORE DELETE ON presence_stated
BEGIN SELECT RAISE(ABORT, 'presence_stated is append-only'); END;

-- What came before what is told by the entries of the audit trail about a session and its measurements.
CREATE INDEX audit_subject ON audit (subject);
