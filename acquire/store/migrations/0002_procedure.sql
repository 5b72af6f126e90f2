-- The ordered procedure. Every table here is append-only: what changes is a further row, and the newest one counts.
-- Which readings belong to a measurement stands nowhere here: it is derived from the streams (docs/noloss.md rule 4.8).

CREATE TABLE document (              -- the bytes people gave us: order, plan, calibrations, inventory
    sha256 TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    added_at TEXT NOT NULL
) STRICT;

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL REFERENCES document,
    patient TEXT NOT NULL,           -- opaque reference; never printed, never on the bus
    added_at TEXT NOT NULL,
    added_by TEXT NOT NULL
) STRICT;

CREATE TABLE plan (
    order_id TEXT NOT NULL REFERENCES orders,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL REFERENCES document,
    added_at TEXT NOT NULL,
    added_by TEXT NOT NULL,
    PRIMARY KEY (order_id, version)
) STRICT;

CREATE TABLE expected_confirmed (    -- a second person stands by the expected dose of this plan version
    order_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    point TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (order_id, version, point),
    FOREIGN KEY (order_id, version) REFERENCES plan
) STRICT;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    fraction INTEGER NOT NULL,
    calibrations TEXT NOT NULL REFERENCES document,
    inventory TEXT NOT NULL REFERENCES document,
    simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
    started_at TEXT NOT NULL,
    started_by TEXT NOT NULL,
    FOREIGN KEY (order_id, plan_version) REFERENCES plan
) STRICT;

CREATE TABLE session_state (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    state TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT
) STRICT;

CREATE TABLE time_out (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    read_by TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    stated BLOB NOT NULL,            -- canonical JSON of what was read aloud
    at TEXT NOT NULL
) STRICT;

CREATE TABLE environment (
    n INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    temperature_c REAL NOT NULL,
    pressure_kpa REAL NOT NULL,
    humidity_percent REAL,
    source TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL
) STRICT;

CREATE TABLE attempt (               -- a measurement: one attempt at one step
    measurement TEXT PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    step TEXT NOT NULL,
    kind TEXT NOT NULL,
    instrument TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    who TEXT NOT NULL
) STRICT;

CREATE TABLE attempt_mark (          -- what became of it; begun and ended are believed only with (stream, seq)
    n INTEGER PRIMARY KEY,
    measurement TEXT NOT NULL REFERENCES attempt,
    mark TEXT NOT NULL CHECK (mark IN ('begun', 'ended', 'abandoned')),
    stream TEXT,
    seq INTEGER,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT,
    beam_given INTEGER CHECK (beam_given IN (0, 1)),
    CHECK (mark = 'abandoned' OR (stream IS NOT NULL AND seq IS NOT NULL)),
    CHECK (mark <> 'abandoned' OR (reason IS NOT NULL AND beam_given IS NOT NULL)),
    UNIQUE (measurement, mark)
) STRICT;

CREATE TABLE not_measured (          -- a step that was not done, and why
    session TEXT NOT NULL REFERENCES session,
    step TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (session, step)
) STRICT;

CREATE TABLE placement (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    dosimeter TEXT NOT NULL,
    place TEXT,                      -- a or b, under bolus, facing
    placed_at TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    replaces INTEGER UNIQUE REFERENCES placement,  -- a correction
    confirmed_by TEXT,
    reason TEXT,
    CHECK (replaces IS NULL OR (confirmed_by IS NOT NULL AND reason IS NOT NULL))
) STRICT;

CREATE TABLE removal (
    placement INTEGER PRIMARY KEY REFERENCES placement,
    removed_at TEXT NOT NULL,
    removed_by TEXT NOT NULL
) STRICT;

CREATE TABLE result (
    session TEXT NOT NULL REFERENCES session,
    point TEXT NOT NULL,
    version INTEGER NOT NULL,
    at TEXT NOT NULL,
    formula TEXT NOT NULL,           -- version of the calculation
    selection BLOB NOT NULL,         -- which readings, documents and entries it was made from
    inputs BLOB NOT NULL,            -- every number that went in
    inputs_sha256 TEXT NOT NULL,
    output BLOB NOT NULL,
    output_sha256 TEXT NOT NULL,
    PRIMARY KEY (session, point, version)
) STRICT;

CREATE TABLE audit (
    n INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    old TEXT,
    new TEXT,
    reason TEXT,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER document_no_update BEFORE UPDATE ON document
BEGIN SELECT RAISE(ABORT, 'document is append-only'); END;
CREATE TRIGGER document_no_delete BEFORE DELETE ON document
BEGIN SELECT RAISE(ABORT, 'document is append-only'); END;
CREATE TRIGGER orders_no_update BEFORE UPDATE ON orders
BEGIN SELECT RAISE(ABORT, 'orders is append-only'); END;
CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders is append-only'); END;
CREATE TRIGGER plan_no_update BEFORE UPDATE ON plan
BEGIN SELECT RAISE(ABORT, 'plan is append-only'); END;
CREATE TRIGGER plan_no_delete BEFORE DELETE ON plan
BEGIN SELECT RAISE(ABORT, 'plan is append-only'); END;
CREATE TRIGGER session_no_update BEFORE UPDATE ON session
BEGIN SELECT RAISE(ABORT, 'session is append-only'); END;
CREATE TRIGGER session_no_delete BEFORE DELETE ON session
BEGIN SELECT RAISE(ABORT, 'session is append-only'); END;
CREATE TRIGGER session_state_no_update BEFORE UPDATE ON session_state
BEGIN SELECT RAISE(ABORT, 'session_state is append-only'); END;
CREATE TRIGGER session_state_no_delete BEFORE DELETE ON session_state
BEGIN SELECT RAISE(ABORT, 'session_state is append-only'); END;
CREATE TRIGGER time_out_no_update BEFORE UPDATE ON time_out
BEGIN SELECT RAISE(ABORT, 'time_out is append-only'); END;
CREATE TRIGGER time_out_no_delete BEFORE DELETE ON time_out
BEGIN SELECT RAISE(ABORT, 'time_out is append-only'); END;
CREATE TRIGGER environment_no_update BEFORE UPDATE ON environment
BEGIN SELECT RAISE(ABORT, 'environment is append-only'); END;
CREATE TRIGGER environment_no_delete BEFORE DELETE ON environment
BEGIN SELECT RAISE(ABORT, 'environment is append-only'); END;
CREATE TRIGGER attempt_no_update BEFORE UPDATE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempt is append-only'); END;
CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempt is append-only'); END;
CREATE TRIGGER attempt_mark_no_update BEFORE UPDATE ON attempt_mark
BEGIN SELECT RAISE(ABORT, 'attempt_mark is append-only'); END;
CREATE TRIGGER attempt_mark_no_delete BEFORE DELETE ON attempt_mark
BEGIN SELECT RAISE(ABORT, 'attempt_mark is append-only'); END;
CREATE TRIGGER not_measured_no_update BEFORE UPDATE ON not_measured
BEGIN SELECT RAISE(ABORT, 'not_measured is append-only'); END;
CREATE TRIGGER not_measured_no_delete BEFORE DELETE ON not_measured
BEGIN SELECT RAISE(ABORT, 'not_measured is append-only'); END;
CREATE TRIGGER placement_no_update BEFORE UPDATE ON placement
BEGIN SELECT RAISE(ABORT, 'placement is append-only'); END;
CREATE TRIGGER placement_no_delete BEFORE DELETE ON placement
BEGIN SELECT RAISE(ABORT, 'placement is append-only'); END;
CREATE TRIGGER removal_no_update BEFORE UPDATE ON removal
BEGIN SELECT RAISE(ABORT, 'removal is append-only'); END;
CREATE TRIGGER removal_no_delete BEFORE DELETE ON removal
BEGIN SELECT RAISE(ABORT, 'removal is append-only'); END;
CREATE TRIGGER result_no_update BEFORE UPDATE ON result
BEGIN SELECT RAISE(ABORT, 'result is append-only'); END;
CREATE TRIGGER result_no_delete BEFORE DELETE ON result
BEGIN SELECT RAISE(ABORT, 'result is append-only'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER expected_confirmed_no_update BEFORE UPDATE ON expected_confirmed
BEGIN SELECT RAISE(ABORT, 'expected_confirmed is append-only'); END;
CREATE TRIGGER expected_confirmed_no_delete BEFORE DELETE ON expected_confirmed
BEGIN SELECT RAISE(ABORT, 'expected_confirmed is append-only'); END;
