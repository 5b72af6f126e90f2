-- Streams and entries by number, what is lost as ranges, and the chain of seals (docs/adr/0014-store-rows-and-seals.md).
-- checksum(), packed() and micros() are given by acquire/store/database.py. What was released is still there to be read:
-- the views at the end have the old names.

ALTER TABLE identity ADD COLUMN start INTEGER NOT NULL DEFAULT 0;   -- counts the starts of the service on this file

CREATE TABLE streams (
    number INTEGER PRIMARY KEY,
    stream TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    site TEXT NOT NULL,
    instrument TEXT NOT NULL,
    host TEXT,                  -- the level under "daemon" where its source sends batches; NULL: it sends none
    through INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0,
    ended TEXT,
    why TEXT,
    final INTEGER,
    chain BLOB NOT NULL,        -- the running hash of everything up to `through`
    first_heard TEXT NOT NULL,
    -- From here on: what only tells how things stand now, and is no part of the record.
    last_heard TEXT NOT NULL,   -- for people; nothing is decided by it
    ready_epoch TEXT,           -- epoch of the last message of this source that said so, and how many older
    older INTEGER,              -- streams of the instrument it had unconfirmed then (closing a session asks for it)
    heard INTEGER NOT NULL,     -- counts what was heard, start by start: the newest stream has the highest
    heard_start INTEGER NOT NULL,  -- identity.start at the last message
    heard_boot TEXT NOT NULL,   -- the machine's boot and its monotonic clock in s at the last message: silence is told
    heard_s REAL NOT NULL,      -- by these
    claims INTEGER NOT NULL DEFAULT 0,  -- ranges of it in `lost`; where there are none, none is looked for
    sealed INTEGER NOT NULL DEFAULT 0,  -- through at its last seal, and the monotonic clock in s then
    sealed_s REAL NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX streams_instrument ON streams (instrument);

CREATE TABLE received (         -- one row for each transaction that brought entries
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL         -- µs since 1970, UTC, by the store's clock
) STRICT;

CREATE TABLE entries (
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,      -- acquire.store.entries.KINDS; 0 and 1 take no room in the row
    status INTEGER NOT NULL CHECK (status = 0 OR status = 1),  -- stored, refused
    reason TEXT,
    body BLOB NOT NULL,         -- canonical JSON; where it begins with 'x' (0x78) it is packed by zlib
    checksum INTEGER NOT NULL,  -- of the unpacked body (acquire/checksum.py)
    element TEXT,               -- dosimeter id as the reader states it, for attribution by element
    measurement TEXT,           -- of a marker
    received INTEGER NOT NULL,  -- the row of `received`
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE lost (             -- what a source or a person said is gone; an entry inside a range came after all
    number INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    withdrawn INTEGER           -- number of the seal that took it back
) STRICT;

CREATE INDEX lost_of_stream ON lost (stream, first);

CREATE TABLE conflicts (        -- another content under a key that was taken
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,       -- SHA-256 of the body: several contents may have come
    body BLOB NOT NULL,
    received_at TEXT NOT NULL,
    settled INTEGER,            -- number of the seal with which this content became the entry (rule 4.2)
    PRIMARY KEY (stream, seq, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE stand_ins (        -- stand-ins whose withheld original came after all and is the entry now (rule 4.2)
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    replaced_at TEXT NOT NULL,
    body BLOB NOT NULL,
    reason TEXT,
    received_at TEXT NOT NULL,
    PRIMARY KEY (stream, seq, replaced_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE seal (             -- one chain over the whole store (acquire/store/seals.py)
    n INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    stream INTEGER,
    seq INTEGER,
    through INTEGER,
    chain BLOB,
    detail TEXT NOT NULL,       -- canonical JSON
    previous TEXT NOT NULL,     -- the hash of the seal before, SHA-256 in hexadecimal
    hash TEXT NOT NULL
) STRICT;

CREATE INDEX seal_of_stream ON seal (stream);

INSERT INTO streams (stream, source, site, instrument, through, head, ended, why, final, chain, first_heard, last_heard,
                     ready_epoch, older, heard, heard_start, heard_boot, heard_s)
SELECT stream, source, site, instrument, through, head, ended, why, final, x'', first_heard, last_heard,
       ready_epoch, older, row_number() OVER (ORDER BY last_heard, stream), -1, '', 0
FROM stream ORDER BY first_heard, stream;

INSERT INTO received (at)
SELECT DISTINCT micros(received_at) FROM entry WHERE status <> 'lost' ORDER BY 1;

CREATE TEMP TABLE receipt (at INTEGER PRIMARY KEY, number INTEGER NOT NULL);

INSERT INTO receipt SELECT at, number FROM received;

INSERT INTO entries
SELECT s.number, e.seq, kind_number(e.kind), e.status = 'refused', e.reason, packed(e.body),
       checksum(e.stream, e.seq, e.body), e.element, e.measurement, r.number
FROM entry e JOIN streams s USING (stream) JOIN receipt r ON r.at = micros(e.received_at)
WHERE e.status <> 'lost' ORDER BY s.number, e.seq;

DROP TABLE receipt;

INSERT INTO lost (stream, first, last, reason, at)
SELECT stream, min(seq), max(seq), reason, min(at)
FROM (SELECT s.number AS stream, e.seq, coalesce(e.reason, '') AS reason, e.received_at AS at,
             e.seq - row_number() OVER (PARTITION BY e.stream, e.reason ORDER BY e.seq) AS island
      FROM entry e JOIN streams s USING (stream) WHERE e.status = 'lost')
GROUP BY stream, reason, island ORDER BY stream, min(seq);

UPDATE streams SET claims = (SELECT count(*) FROM lost WHERE lost.stream = streams.number);

INSERT INTO conflicts
SELECT s.number, c.seq, c.digest, c.body, c.received_at, NULL FROM conflict c JOIN streams s USING (stream);

INSERT INTO stand_ins
SELECT s.number, i.seq, i.replaced_at, i.body, i.reason, i.received_at FROM stand_in i JOIN streams s USING (stream);

DROP TABLE stream;

DROP TABLE entry;

DROP TABLE conflict;

DROP TABLE stand_in;

CREATE INDEX entries_element ON entries (element) WHERE element IS NOT NULL;

CREATE INDEX entries_measurement ON entries (measurement) WHERE measurement IS NOT NULL;

CREATE TRIGGER lost_no_delete BEFORE DELETE ON lost BEGIN SELECT RAISE(ABORT, 'lost is append-only'); END;

CREATE TRIGGER conflicts_no_delete BEFORE DELETE ON conflicts
BEGIN SELECT RAISE(ABORT, 'conflicts is append-only'); END;

CREATE TRIGGER stand_ins_no_update BEFORE UPDATE ON stand_ins
BEGIN SELECT RAISE(ABORT, 'stand_ins is append-only'); END;

CREATE TRIGGER stand_ins_no_delete BEFORE DELETE ON stand_ins
BEGIN SELECT RAISE(ABORT, 'stand_ins is append-only'); END;

CREATE TRIGGER received_no_update BEFORE UPDATE ON received BEGIN SELECT RAISE(ABORT, 'received is append-only'); END;

CREATE TRIGGER received_no_delete BEFORE DELETE ON received BEGIN SELECT RAISE(ABORT, 'received is append-only'); END;

CREATE TRIGGER seal_no_update BEFORE UPDATE ON seal BEGIN SELECT RAISE(ABORT, 'seal is append-only'); END;

CREATE TRIGGER seal_no_delete BEFORE DELETE ON seal BEGIN SELECT RAISE(ABORT, 'seal is append-only'); END;

CREATE VIEW stream AS
SELECT stream, source, site, instrument, through, head, ended, final, ready_epoch, older, first_heard, last_heard, why
FROM streams;

-- Without the digest, which no SQL can make of a body, and without rows for what is lost: that is a range, however long.
CREATE VIEW entry AS
SELECT s.stream, e.seq,
       CASE e.kind WHEN 0 THEN 'scalar' WHEN 1 THEN 'marker' WHEN 2 THEN 'glow-curve' WHEN 3 THEN 'curve'
                   WHEN 4 THEN 'unparsed' WHEN 5 THEN 'withheld' WHEN 6 THEN 'gap' ELSE 'invalid' END AS kind,
       CASE e.status WHEN 0 THEN 'stored' ELSE 'refused' END AS status,
       e.reason, e.body, e.element, e.measurement,
       strftime('%Y-%m-%dT%H:%M:%S', r.at / 1000000, 'unixepoch') || printf('.%06dZ', r.at % 1000000) AS received_at
FROM entries e JOIN streams s ON s.number = e.stream LEFT JOIN received r ON r.number = e.received;

CREATE VIEW conflict AS
SELECT s.stream, c.seq, c.digest, c.body, c.received_at
FROM conflicts c JOIN streams s ON s.number = c.stream WHERE c.settled IS NULL;

CREATE VIEW stand_in AS
SELECT s.stream, i.seq, i.body, i.reason, i.received_at, i.replaced_at
FROM stand_ins i JOIN streams s ON s.number = i.stream;
