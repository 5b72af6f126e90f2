-- The stock of chips and dots: batches, elements, what happened to them and to readers, and the coefficients that
-- calibration sessions issue (docs/adr/0021-stock-of-elements.md). Append-only: of a key's several versions the highest
-- counts. Which readings belong to a calibration stands nowhere here but in what was computed from them.

CREATE TABLE element_batch (
    batch TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('tld', 'osl')),
    material TEXT NOT NULL,
    background TEXT NOT NULL CHECK (background IN ('after-sensitivity', 'before-sensitivity')),
    limit_gy REAL,                   -- what an element may receive in all; NULL: the site states none
    limit_readings INTEGER,          -- how often it may be read in all
    depletion_per_reading REAL,      -- fraction of the signal that one OSL reading takes away
    depletion TEXT CHECK (depletion IN ('growing', 'falling')),
    who TEXT NOT NULL,
    reason TEXT,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (batch, version),
    CHECK (version = 1 OR (reason IS NOT NULL AND confirmed_by IS NOT NULL AND confirmed_by <> who))
) STRICT;

CREATE TABLE element (
    element TEXT NOT NULL,
    version INTEGER NOT NULL,
    batch TEXT NOT NULL,
    barcode TEXT NOT NULL,
    reader TEXT NOT NULL,
    read_as TEXT NOT NULL,           -- as the reader states it
    element_index INTEGER,           -- its place on a card
    expires_on TEXT,                 -- the last day on which it may be used
    who TEXT NOT NULL,
    reason TEXT,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (element, version),
    CHECK (version = 1 OR (reason IS NOT NULL AND confirmed_by IS NOT NULL AND confirmed_by <> who))
) STRICT;

CREATE INDEX element_of_batch ON element (batch);

CREATE TABLE element_event (         -- what happened to an element that no reading and no placement tells
    element TEXT NOT NULL,
    n INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN
        ('taken-over', 'annealed', 'bleached', 'irradiated', 'to-repeat', 'withdrawn', 'returned')),
    moment TEXT,                     -- when, with its offset; NULL where only the entry has a time
    dose_gy REAL,                    -- with 'irradiated' and 'taken-over'
    u_percent REAL,                  -- of the dose, k = 1
    readings INTEGER,                -- with 'taken-over': how often it was read before
    source TEXT,                     -- beam or source, oven and programme
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    confirmed_by TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (element, n),
    CHECK (what <> 'returned' OR (confirmed_by IS NOT NULL AND confirmed_by <> who)),
    CHECK (what <> 'irradiated' OR (dose_gy IS NOT NULL AND source IS NOT NULL AND moment IS NOT NULL))
) STRICT;

CREATE TABLE equipment_event (       -- what ends a calibration of a reader or detector
    equipment TEXT NOT NULL,
    n INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN
        ('repair', 'fall', 'cable', 'lamp', 'high-voltage', 'photomultiplier', 'filter', 'software', 'other')),
    moment TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (equipment, n)
) STRICT;

CREATE TABLE element_calibration (
    id TEXT PRIMARY KEY,
    batch TEXT NOT NULL,
    reader TEXT NOT NULL,
    issues TEXT NOT NULL CHECK (issues IN ('ecc', 'rcf', 'ecc+rcf', 'stated')),
    terms BLOB NOT NULL,             -- canonical JSON: dose, rule for outliers, validity, ... as they were stated
    started_at TEXT NOT NULL,
    started_by TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER              -- which of several was begun first
) STRICT;

CREATE TABLE element_calibration_part (   -- one element in one cycle of annealing, irradiating and reading
    calibration TEXT NOT NULL REFERENCES element_calibration,
    n INTEGER NOT NULL,
    element TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('irradiated', 'blank')),
    cycle INTEGER NOT NULL,
    moment TEXT,                     -- when it was irradiated
    run TEXT,                        -- the reader's file; NULL: its first readings received after this row
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,             -- which use of an element came first
    PRIMARY KEY (calibration, n),
    UNIQUE (calibration, element, cycle, role),
    CHECK (role <> 'irradiated' OR moment IS NOT NULL)
) STRICT;

CREATE INDEX element_calibration_part_element ON element_calibration_part (element);

CREATE TABLE element_calibration_result (
    calibration TEXT NOT NULL REFERENCES element_calibration,
    version INTEGER NOT NULL,
    formula TEXT NOT NULL,
    inputs BLOB NOT NULL,            -- every reading by its place and digest, and every number that went in
    inputs_sha256 TEXT NOT NULL,
    output BLOB NOT NULL,
    output_sha256 TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (calibration, version)
) STRICT;

CREATE TABLE element_calibration_mark (
    calibration TEXT NOT NULL REFERENCES element_calibration,
    n INTEGER NOT NULL,
    mark TEXT NOT NULL CHECK (mark IN ('confirmed', 'rejected', 'withdrawn')),
    version INTEGER NOT NULL,        -- of the result that is meant
    computed_by TEXT NOT NULL,
    who TEXT NOT NULL,
    valid_from TEXT,                 -- with 'confirmed'
    reason TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,             -- which of several was confirmed last
    PRIMARY KEY (calibration, n),
    CHECK (mark <> 'confirmed' OR (who <> computed_by AND valid_from IS NOT NULL)),
    CHECK (mark = 'confirmed' OR reason IS NOT NULL)
) STRICT;

CREATE TRIGGER element_batch_no_update BEFORE UPDATE ON element_batch
BEGIN SELECT RAISE(ABORT, 'element_batch is append-only'); END;
CREATE TRIGGER element_batch_no_delete BEFORE DELETE ON element_batch
BEGIN SELECT RAISE(ABORT, 'element_batch is append-only'); END;
CREATE TRIGGER element_no_update BEFORE UPDATE ON element
BEGIN SELECT RAISE(ABORT, 'element is append-only'); END;
CREATE TRIGGER element_no_delete BEFORE DELETE ON element
BEGIN SELECT RAISE(ABORT, 'element is append-only'); END;
CREATE TRIGGER element_event_no_update BEFORE UPDATE ON element_event
BEGIN SELECT RAISE(ABORT, 'element_event is append-only'); END;
CREATE TRIGGER element_event_no_delete BEFORE DELETE ON element_event
BEGIN SELECT RAISE(ABORT, 'element_event is append-only'); END;
CREATE TRIGGER equipment_event_no_update BEFORE UPDATE ON equipment_event
BEGIN SELECT RAISE(ABORT, 'equipment_event is append-only'); END;
CREATE TRIGGER equipment_event_no_delete BEFORE DELETE ON equipment_event
BEGIN SELECT RAISE(ABORT, 'equipment_event is append-only'); END;
CREATE TRIGGER element_calibration_no_update BEFORE UPDATE ON element_calibration
BEGIN SELECT RAISE(ABORT, 'element_calibration is append-only'); END;
CREATE TRIGGER element_calibration_no_delete BEFORE DELETE ON element_calibration
BEGIN SELECT RAISE(ABORT, 'element_calibration is append-only'); END;
CREATE TRIGGER element_calibration_part_no_update BEFORE UPDATE ON element_calibration_part
BEGIN SELECT RAISE(ABORT, 'element_calibration_part is append-only'); END;
CREATE TRIGGER element_calibration_part_no_delete BEFORE DELETE ON element_calibration_part
BEGIN SELECT RAISE(ABORT, 'element_calibration_part is append-only'); END;
CREATE TRIGGER element_calibration_result_no_update BEFORE UPDATE ON element_calibration_result
BEGIN SELECT RAISE(ABORT, 'element_calibration_result is append-only'); END;
CREATE TRIGGER element_calibration_result_no_delete BEFORE DELETE ON element_calibration_result
BEGIN SELECT RAISE(ABORT, 'element_calibration_result is append-only'); END;
CREATE TRIGGER element_calibration_mark_no_update BEFORE UPDATE ON element_calibration_mark
BEGIN SELECT RAISE(ABORT, 'element_calibration_mark is append-only'); END;
CREATE TRIGGER element_calibration_mark_no_delete BEFORE DELETE ON element_calibration_mark
BEGIN SELECT RAISE(ABORT, 'element_calibration_mark is append-only'); END;
