-- Streams of readings as the no-loss protocol keeps them (docs/noloss.md section 1, "Store").
-- No foreign key leads from entry to orders, sessions or measurements: readings may come first.

CREATE TABLE identity (
    store TEXT NOT NULL,
    epoch TEXT NOT NULL,
    started_at TEXT             -- when a worker last began to serve this file
) STRICT;

CREATE TABLE stream (
    stream TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    site TEXT NOT NULL,
    instrument TEXT NOT NULL,
    through INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0,
    ended TEXT,
    final INTEGER,
    ready_epoch TEXT,           -- epoch of the last message of this source that said so, and how many older
    older INTEGER,              -- streams of the instrument it had unconfirmed then (closing a session asks for it)
    first_heard TEXT NOT NULL,
    last_heard TEXT NOT NULL
) STRICT;

CREATE TABLE entry (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- Not IN (...): SQLite 3.40 builds a table for it at every row, which halves the rate of the whole store (measured).
    status TEXT NOT NULL CHECK (status = 'stored' OR status = 'refused' OR status = 'lost'),
    reason TEXT,
    body BLOB NOT NULL,
    digest BLOB NOT NULL,
    element TEXT,               -- dosimeter id as the reader states it, for attribution by element
    measurement TEXT,           -- of a marker
    received_at TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_element ON entry (element) WHERE element IS NOT NULL;
CREATE INDEX entry_measurement ON entry (measurement) WHERE measurement IS NOT NULL;
CREATE INDEX entry_not_stored ON entry (stream, seq) WHERE status <> 'stored';

CREATE TABLE conflict (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    body BLOB NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (stream, seq, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE unreadable (
    topic TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    beginning BLOB NOT NULL,
    why TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (topic, sha256)
) STRICT;

CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    raised_at TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 1,
    last_at TEXT NOT NULL,
    UNIQUE (what, subject)
) STRICT;
