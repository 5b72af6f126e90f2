-- The spool of one acquisition host (docs/noloss.md section 1, "Spool").

CREATE TABLE meta (
    source TEXT NOT NULL,       -- made with the file
    store TEXT,                 -- record this spool is paired with
    epoch TEXT,                 -- last learned
    uptime_s REAL NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE stream (
    number INTEGER PRIMARY KEY, -- order of creation
    stream TEXT NOT NULL UNIQUE,
    instrument TEXT NOT NULL,
    head INTEGER NOT NULL DEFAULT 0,
    oldest INTEGER NOT NULL DEFAULT 1,
    ended TEXT,
    end_heard INTEGER NOT NULL DEFAULT 0,   -- the store has answered a message that told the end, in this epoch
    through INTEGER NOT NULL DEFAULT 0,
    epoch TEXT                              -- the epoch `through` was told in
) STRICT;

-- In the order in which they came, with the key as an index beside them (docs/adr/0051-entries-in-order-of-arrival.md).
-- In a file of before they lie by their key, and stay so until it is done with.
CREATE TABLE entry (
    stream INTEGER NOT NULL,    -- stream.number
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    measurement TEXT,           -- of a marker: the same measurement id again gets the same answer
    PRIMARY KEY (stream, seq)
) STRICT;

CREATE INDEX entry_measurement ON entry (measurement) WHERE measurement IS NOT NULL;

CREATE TABLE confirmed (
    stream INTEGER NOT NULL,
    through INTEGER NOT NULL,
    uptime_s REAL NOT NULL,     -- when confirmation first reached this seq in this epoch, at most one row an hour
    PRIMARY KEY (stream, through)
) STRICT, WITHOUT ROWID;

CREATE TABLE withheld (
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
