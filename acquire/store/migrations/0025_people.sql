-- Accounts, their passwords, and who logged in (docs/adr/0030-people.md). Append-only: what changes is a further row.

CREATE TABLE account (
    id TEXT NOT NULL,                -- what stands as `who` everywhere: MP-1
    version INTEGER NOT NULL,
    name TEXT NOT NULL,              -- as it is printed beside a signature
    roles TEXT NOT NULL,             -- canonical JSON, a list
    known_as TEXT NOT NULL,          -- canonical JSON, a list: how orders name this person
    state TEXT NOT NULL CHECK (state IN ('active', 'locked')),
    reason TEXT,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,
    PRIMARY KEY (id, version)
) STRICT;

CREATE UNIQUE INDEX account_one_spelling ON account (lower(id), version);  -- ids are ASCII: MD-1 and md-1 are one

CREATE TABLE account_password (
    account TEXT NOT NULL,
    n INTEGER NOT NULL,
    hash TEXT NOT NULL,              -- argon2id with its salt and costs
    who TEXT NOT NULL,               -- whoever set it; by another than its owner it is good for a new one only
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (account, n)
) STRICT;

CREATE TABLE password_tried (        -- 'begun' is there before the password is looked at: a kill in between counts
    n INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('begun', 'right', 'forgiven')),
    purpose TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE INDEX password_tried_account ON password_tried (account);

CREATE TABLE log_in (
    n INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,      -- SHA-256 of what the person's file holds
    boot TEXT NOT NULL,              -- the boot of the machine in which it holds
    until_s REAL NOT NULL,           -- and until when, by that boot's monotonic clock
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TABLE log_in_ended (
    log_in INTEGER PRIMARY KEY REFERENCES log_in,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TRIGGER account_no_update BEFORE UPDATE ON account
BEGIN SELECT RAISE(ABORT, 'account is append-only'); END;
CREATE TRIGGER account_no_delete BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'account is append-only'); END;
CREATE TRIGGER account_password_no_update BEFORE UPDATE ON account_password
BEGIN SELECT RAISE(ABORT, 'account_password is append-only'); END;
CREATE TRIGGER account_password_no_delete BEFORE DELETE ON account_password
BEGIN SELECT RAISE(ABORT, 'account_password is append-only'); END;
CREATE TRIGGER password_tried_no_update BEFORE UPDATE ON password_tried
BEGIN SELECT RAISE(ABORT, 'password_tried is append-only'); END;
CREATE TRIGGER password_tried_no_delete BEFORE DELETE ON password_tried
BEGIN SELECT RAISE(ABORT, 'password_tried is append-only'); END;
CREATE TRIGGER log_in_no_update BEFORE UPDATE ON log_in
BEGIN SELECT RAISE(ABORT, 'log_in is append-only'); END;
CREATE TRIGGER log_in_no_delete BEFORE DELETE ON log_in
BEGIN SELECT RAISE(ABORT, 'log_in is append-only'); END;
CREATE TRIGGER log_in_ended_no_update BEFORE UPDATE ON log_in_ended
BEGIN SELECT RAISE(ABORT, 'log_in_ended is append-only'); END;
CREATE TRIGGER log_in_ended_no_delete BEFORE DELETE ON log_in_ended
BEGIN SELECT RAISE(ABORT, 'log_in_ended is append-only'); END;
