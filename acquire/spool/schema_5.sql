-- Streams of files that were put aside (docs/noloss.md rule 3.11): they count in `older` until a person has dealt with them.

CREATE TABLE aside (
    file TEXT NOT NULL,       -- its name beside the spool
    stream TEXT NOT NULL,     -- '' where it cannot be known which streams it held
    instrument TEXT NOT NULL, -- '' then: it may have been any
    head INTEGER NOT NULL,
    through INTEGER NOT NULL, -- confirmed ...
    epoch TEXT,               -- ... in this epoch
    settled TEXT,             -- null: it waits for a person; 'salvaged', or why it was given up
    PRIMARY KEY (file, stream)
) STRICT, WITHOUT ROWID;
