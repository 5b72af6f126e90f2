-- Dated tables of unit limits that people add, and which of them were withdrawn (docs/adr/0033-billing.md). Append-only.

CREATE TABLE billing_table (
    n INTEGER PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('added', 'withdrawn')),
    kind TEXT NOT NULL CHECK (kind IN ('mue-practitioner', 'mue-hospital', 'pairs', 'payer')),
    name TEXT NOT NULL,              -- of several of one name that hold on a day, the one added last counts
    valid_from TEXT NOT NULL,        -- dates of service, both included
    valid_until TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,       -- of the whole file
    sha256 TEXT NOT NULL REFERENCES document,  -- what is kept of it: all of it, or of a large one what concerns us
    withdraws INTEGER REFERENCES billing_table,
    reason TEXT,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,
    CHECK (valid_from <= valid_until),
    CHECK ((what = 'withdrawn') = (withdraws IS NOT NULL AND reason IS NOT NULL))
) STRICT;

CREATE TRIGGER billing_table_no_update BEFORE UPDATE ON billing_table
BEGIN SELECT RAISE(ABORT, 'billing_table is append-only'); END;
CREATE TRIGGER billing_table_no_delete BEFORE DELETE ON billing_table
BEGIN SELECT RAISE(ABORT, 'billing_table is append-only'); END;
