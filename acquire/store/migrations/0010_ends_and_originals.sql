-- The sentence of the fault that ended a stream, beside `ended`.
ALTER TABLE stream ADD COLUMN why TEXT;

-- Stand-ins whose withheld original came after all and is the entry now (docs/noloss.md rule 4.2): nothing is overwritten.
CREATE TABLE stand_in (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    digest BLOB NOT NULL,
    reason TEXT,
    received_at TEXT NOT NULL,
    replaced_at TEXT NOT NULL,
    PRIMARY KEY (stream, seq, digest)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER stand_in_no_update BEFORE UPDATE ON stand_in BEGIN SELECT RAISE(ABORT, 'stand_in is append-only'); END;
CREATE TRIGGER stand_in_no_delete BEFORE DELETE ON stand_in BEGIN SELECT RAISE(ABORT, 'stand_in is append-only'); END;
