-- Patients that are two again (docs/orders.md). Append-only: the merge stands, and no longer counts.

CREATE TABLE patient_separated (
    merge INTEGER PRIMARY KEY REFERENCES patient_merged,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TRIGGER patient_separated_no_update BEFORE UPDATE ON patient_separated
BEGIN SELECT RAISE(ABORT, 'patient_separated is append-only'); END;
CREATE TRIGGER patient_separated_no_delete BEFORE DELETE ON patient_separated
BEGIN SELECT RAISE(ABORT, 'patient_separated is append-only'); END;
