-- RT Plans that were read for an order (docs/adr/0034-plans.md): no byte of the file, and nothing of the patient. Append-only.

CREATE TABLE rt_plan_seen (
    n INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders,
    version INTEGER,                 -- the newest plan version when it was read
    uid TEXT NOT NULL,               -- SOP Instance UID
    sha256 TEXT NOT NULL,            -- of the file
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE INDEX rt_plan_seen_order ON rt_plan_seen (order_id);

CREATE TRIGGER rt_plan_seen_no_update BEFORE UPDATE ON rt_plan_seen
BEGIN SELECT RAISE(ABORT, 'rt_plan_seen is append-only'); END;
CREATE TRIGGER rt_plan_seen_no_delete BEFORE DELETE ON rt_plan_seen
BEGIN SELECT RAISE(ABORT, 'rt_plan_seen is append-only'); END;
