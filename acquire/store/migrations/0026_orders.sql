-- Orders in versions, how they came, and whose they are (docs/adr/0029-orders-and-identities.md). No identity is here: a
-- patient is an id that means nothing outside, and a mark is a digest made with a secret that lies with the identities.

CREATE TABLE order_version (         -- what an order said, from its first version on; orders of before have none
    order_id TEXT NOT NULL REFERENCES orders,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL REFERENCES document,
    wording TEXT NOT NULL,           -- of its need, by the words alone: copied texts are found by it
    original TEXT,                   -- the mark of the bytes it came as
    reason TEXT,                     -- of a change
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,
    PRIMARY KEY (order_id, version)
) STRICT;

CREATE INDEX order_version_wording ON order_version (wording);

CREATE TABLE plan_holds (            -- a plan holds for a version of its order
    order_id TEXT NOT NULL,
    version INTEGER NOT NULL,        -- of the plan
    order_version INTEGER NOT NULL,
    reason TEXT,                     -- NULL: the plan was made for it
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (order_id, version, order_version)
) STRICT;

CREATE TABLE patient_known (         -- that an identity was told, and its mark
    patient TEXT NOT NULL,
    version INTEGER NOT NULL,
    mark TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (patient, version)
) STRICT;

CREATE TABLE patient_merged (        -- that two patients are one: what was retired is known under what was kept
    n INTEGER PRIMARY KEY,
    kept TEXT NOT NULL,
    retired TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    CHECK (kept <> retired)
) STRICT;

CREATE TABLE message_taken (         -- a message that was answered with "taken": its repeat changes nothing
    sender TEXT NOT NULL,
    control_id TEXT NOT NULL,
    mark TEXT NOT NULL,              -- of its bytes
    says TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (sender, control_id)
) STRICT;

CREATE TRIGGER order_version_no_update BEFORE UPDATE ON order_version
BEGIN SELECT RAISE(ABORT, 'order_version is append-only'); END;
CREATE TRIGGER order_version_no_delete BEFORE DELETE ON order_version
BEGIN SELECT RAISE(ABORT, 'order_version is append-only'); END;
CREATE TRIGGER plan_holds_no_update BEFORE UPDATE ON plan_holds
BEGIN SELECT RAISE(ABORT, 'plan_holds is append-only'); END;
CREATE TRIGGER plan_holds_no_delete BEFORE DELETE ON plan_holds
BEGIN SELECT RAISE(ABORT, 'plan_holds is append-only'); END;
CREATE TRIGGER patient_known_no_update BEFORE UPDATE ON patient_known
BEGIN SELECT RAISE(ABORT, 'patient_known is append-only'); END;
CREATE TRIGGER patient_known_no_delete BEFORE DELETE ON patient_known
BEGIN SELECT RAISE(ABORT, 'patient_known is append-only'); END;
CREATE TRIGGER patient_merged_no_update BEFORE UPDATE ON patient_merged
BEGIN SELECT RAISE(ABORT, 'patient_merged is append-only'); END;
CREATE TRIGGER patient_merged_no_delete BEFORE DELETE ON patient_merged
BEGIN SELECT RAISE(ABORT, 'patient_merged is append-only'); END;
CREATE TRIGGER message_taken_no_update BEFORE UPDATE ON message_taken
BEGIN SELECT RAISE(ABORT, 'message_taken is append-only'); END;
CREATE TRIGGER message_taken_no_delete BEFORE DELETE ON message_taken
BEGIN SELECT RAISE(ABORT, 'message_taken is append-only'); END;
