-- Whom a provider of log-ins means by an account, and for how long a log-in holds (docs/adr/0041-single-sign-on.md). Append-only.

CREATE TABLE account_linked (
    n INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT,                    -- NULL: no longer linked
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE INDEX account_linked_account ON account_linked (account);

CREATE TABLE log_in_hours (          -- of log-ins that begin after it
    n INTEGER PRIMARY KEY,
    hours REAL NOT NULL CHECK (hours BETWEEN 0.25 AND 12),
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TRIGGER account_linked_no_update BEFORE UPDATE ON account_linked
BEGIN SELECT RAISE(ABORT, 'account_linked is append-only'); END;
CREATE TRIGGER account_linked_no_delete BEFORE DELETE ON account_linked
BEGIN SELECT RAISE(ABORT, 'account_linked is append-only'); END;
CREATE TRIGGER log_in_hours_no_update BEFORE UPDATE ON log_in_hours
BEGIN SELECT RAISE(ABORT, 'log_in_hours is append-only'); END;
CREATE TRIGGER log_in_hours_no_delete BEFORE DELETE ON log_in_hours
BEGIN SELECT RAISE(ABORT, 'log_in_hours is append-only'); END;
