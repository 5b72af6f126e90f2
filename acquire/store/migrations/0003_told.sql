-- How far session events have been published: the audit trail by its number ('audit'), each stream by its seq. It is
-- written after the publishing, so that an event may be told twice and none is left out (docs/bus.md, "Session events").

CREATE TABLE told (
    subject TEXT PRIMARY KEY,
    through INTEGER NOT NULL
) STRICT;

INSERT INTO told SELECT 'audit', coalesce(max(n), 0) FROM audit;
INSERT INTO told SELECT stream, through FROM stream;
