-- Pruning, two live stores of one record, and alarms that a person can read (docs/noloss.md rules 3.5 to 3.9).

ALTER TABLE meta ADD COLUMN epoch_at REAL;                              -- uptime_s at the last change of epoch
ALTER TABLE meta ADD COLUMN no_pruning_before REAL NOT NULL DEFAULT 0;  -- uptime_s; two stores answered
ALTER TABLE meta ADD COLUMN pruned_at REAL NOT NULL DEFAULT 0;          -- uptime_s of the last daily pass

ALTER TABLE stream ADD COLUMN source TEXT;  -- of a salvaged stream: the source that began it, to which it belongs

CREATE TABLE alarm (
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    count INTEGER NOT NULL,
    raised_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (what, subject)
) STRICT, WITHOUT ROWID;
