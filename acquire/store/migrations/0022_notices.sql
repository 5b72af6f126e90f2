-- What must reach people, and what became of it (docs/adr/0035-notices.md). A notice is made in the transaction of the
-- result that gives rise to it, or when a result is not there at its due time; `holds`: the next fraction's session waits
-- until somebody lifts it. A mark is what happened since: mailed, not delivered, passed to the stand-in, acknowledged, lifted.

CREATE TABLE notice (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN
        ('ACTION', 'OUT OF TOLERANCE', 'TWICE OUT', 'INVALID', 'RESULT AWAITED', 'RESULT NOT THERE')),
    version INTEGER NOT NULL,        -- of the result; 0 where there is none
    holds INTEGER NOT NULL CHECK (holds IN (0, 1)),
    at TEXT NOT NULL,
    made_after INTEGER,
    UNIQUE (session, point, cause, version)
) STRICT;

CREATE TABLE notice_mark (
    n INTEGER PRIMARY KEY,
    notice INTEGER NOT NULL REFERENCES notice,
    what TEXT NOT NULL CHECK (what IN ('mailed', 'not-delivered', 'stand-in', 'acknowledged', 'lifted')),
    role TEXT CHECK (role IN ('physicist', 'physician')),
    name TEXT,                       -- to whom, of mail
    round INTEGER,                   -- 0 the first mail, then its reminders
    reason TEXT,
    who TEXT NOT NULL,               -- "acquire" where the program did it
    confirmed_by TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK ((what IN ('mailed', 'not-delivered')) = (name IS NOT NULL)),
    CHECK ((what IN ('mailed')) = (round IS NOT NULL)),
    CHECK (what <> 'lifted' OR (reason IS NOT NULL AND role IS NOT NULL)),
    CHECK (what NOT IN ('stand-in', 'acknowledged') OR role IS NOT NULL),
    CHECK (confirmed_by IS NULL OR confirmed_by <> who)
) STRICT;

-- Never twice, whoever else writes at the same time.
CREATE UNIQUE INDEX notice_mark_mailed ON notice_mark (notice, name, round) WHERE what = 'mailed';
CREATE UNIQUE INDEX notice_mark_by_role ON notice_mark (notice, what, role) WHERE what IN ('stand-in', 'acknowledged');
CREATE UNIQUE INDEX notice_mark_lifted ON notice_mark (notice) WHERE what = 'lifted';

CREATE TRIGGER notice_no_update BEFORE UPDATE ON notice
BEGIN SELECT RAISE(ABORT, 'notice is append-only'); END;
CREATE TRIGGER notice_no_delete BEFORE DELETE ON notice
BEGIN SELECT RAISE(ABORT, 'notice is append-only'); END;
CREATE TRIGGER notice_mark_no_update BEFORE UPDATE ON notice_mark
BEGIN SELECT RAISE(ABORT, 'notice_mark is append-only'); END;
CREATE TRIGGER notice_mark_no_delete BEFORE DELETE ON notice_mark
BEGIN SELECT RAISE(ABORT, 'notice_mark is append-only'); END;

-- How long a notice has waited to be acknowledged, by a clock that nobody sets; no part of the record.
CREATE TABLE notice_waiting (
    notice INTEGER PRIMARY KEY REFERENCES notice,
    waited_s REAL NOT NULL,
    boot TEXT NOT NULL,              -- of the machine, and its monotonic clock then
    boot_s REAL NOT NULL,
    at TEXT NOT NULL                 -- by the time of day, for what passed while the machine was off
) STRICT;
