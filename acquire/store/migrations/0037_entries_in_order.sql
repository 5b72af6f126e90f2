-- Entries lie in the order in which they came, and their key is an index beside them: where many streams grow in turn,
-- a commit writes half as many pages (docs/adr/0051-entries-in-order-of-arrival.md). Those that are there lie by stream.

DROP VIEW entry;

CREATE TABLE entries_in_order (
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
) STRICT;

INSERT INTO entries_in_order
SELECT stream, seq, kind, status, reason, body, checksum, element, measurement, received FROM entries
ORDER BY stream, seq;

DROP TABLE entries;

ALTER TABLE entries_in_order RENAME TO entries;

CREATE INDEX entries_element ON entries (element) WHERE element IS NOT NULL;

CREATE INDEX entries_measurement ON entries (measurement) WHERE measurement IS NOT NULL;

CREATE INDEX entries_of_elements ON entries (received) WHERE element IS NOT NULL;

CREATE INDEX entries_refused ON entries (stream) WHERE status = 1;

-- As in 0012.
CREATE VIEW entry AS
SELECT s.stream, e.seq,
       CASE e.kind WHEN 0 THEN 'scalar' WHEN 1 THEN 'marker' WHEN 2 THEN 'glow-curve' WHEN 3 THEN 'curve'
                   WHEN 4 THEN 'unparsed' WHEN 5 THEN 'withheld' WHEN 6 THEN 'gap' ELSE 'invalid' END AS kind,
       CASE e.status WHEN 0 THEN 'stored' ELSE 'refused' END AS status,
       e.reason, e.body, e.element, e.measurement,
       strftime('%Y-%m-%dT%H:%M:%S', r.at / 1000000, 'unixepoch') || printf('.%06dZ', r.at % 1000000) AS received_at
FROM entries e JOIN streams s ON s.number = e.stream LEFT JOIN received r ON r.number = e.received;
