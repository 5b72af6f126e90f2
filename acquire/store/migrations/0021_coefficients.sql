-- Who stands by the coefficients that calibration files bring, what detectors received, orders that were cancelled, and
-- the files with which a plan came in (docs/adr/0025-coefficients-of-files.md). Append-only.

CREATE TABLE coefficient (           -- a calibration of a file, as the store knows it
    owner TEXT NOT NULL,             -- detector or reader
    n INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('first', 'entered', 'confirmed', 'withdrawn')),
    calibration TEXT NOT NULL,       -- its id in the file
    covers TEXT NOT NULL,            -- the beam and side, or 'every beam', or 'elements'
    serial TEXT,                     -- of the detector, by the inventory that came with the file
    sha256 TEXT NOT NULL,            -- of content
    content BLOB NOT NULL,           -- canonical JSON: everything of it that could change a number, or for how long it holds
    entered_by TEXT NOT NULL,        -- who brought it
    who TEXT NOT NULL,
    reason TEXT,
    at TEXT NOT NULL,
    made_after INTEGER,
    audit_entry INTEGER,             -- which of several was confirmed last
    PRIMARY KEY (owner, n),
    CHECK (what <> 'confirmed' OR who <> entered_by),
    CHECK (what IN ('first', 'confirmed') OR reason IS NOT NULL)
) STRICT;

CREATE INDEX coefficient_serial ON coefficient (serial);

CREATE TABLE detector_irradiated (   -- which detector lay at a point when an attempt with beam began
    measurement TEXT NOT NULL REFERENCES attempt,
    point TEXT NOT NULL,
    detector TEXT NOT NULL,
    serial TEXT NOT NULL,
    before_gy REAL,                  -- what it was known to have received when its session began; NULL: nobody said
    at_most_gy REAL NOT NULL,        -- what it could receive: it counts where no dose came of it
    made_after INTEGER,
    PRIMARY KEY (measurement, point)
) STRICT;

CREATE INDEX detector_irradiated_serial ON detector_irradiated (serial);

CREATE TABLE order_cancelled (
    order_id TEXT PRIMARY KEY REFERENCES orders,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    made_after INTEGER
) STRICT;

CREATE TABLE plan_files (            -- what a plan was held against when it came in
    order_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    calibrations TEXT NOT NULL REFERENCES document,
    inventory TEXT NOT NULL REFERENCES document,
    made_after INTEGER,
    PRIMARY KEY (order_id, version)
) STRICT;

CREATE TRIGGER coefficient_no_update BEFORE UPDATE ON coefficient
BEGIN SELECT RAISE(ABORT, 'coefficient is append-only'); END;
CREATE TRIGGER coefficient_no_delete BEFORE DELETE ON coefficient
BEGIN SELECT RAISE(ABORT, 'coefficient is append-only'); END;
CREATE TRIGGER detector_irradiated_no_update BEFORE UPDATE ON detector_irradiated
BEGIN SELECT RAISE(ABORT, 'detector_irradiated is append-only'); END;
CREATE TRIGGER detector_irradiated_no_delete BEFORE DELETE ON detector_irradiated
BEGIN SELECT RAISE(ABORT, 'detector_irradiated is append-only'); END;
CREATE TRIGGER order_cancelled_no_update BEFORE UPDATE ON order_cancelled
BEGIN SELECT RAISE(ABORT, 'order_cancelled is append-only'); END;
CREATE TRIGGER order_cancelled_no_delete BEFORE DELETE ON order_cancelled
BEGIN SELECT RAISE(ABORT, 'order_cancelled is append-only'); END;
CREATE TRIGGER plan_files_no_update BEFORE UPDATE ON plan_files
BEGIN SELECT RAISE(ABORT, 'plan_files is append-only'); END;
CREATE TRIGGER plan_files_no_delete BEFORE DELETE ON plan_files
BEGIN SELECT RAISE(ABORT, 'plan_files is append-only'); END;
