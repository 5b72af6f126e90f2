-- Fits of glow curves and OSL decays, made by the program when a curve has arrived (docs/adr/0022-fits-on-arrival.md). A
-- later version of the analysis, or another material, adds a row; nothing is replaced. Each row is sealed by an audit entry.

CREATE TABLE curve_fit (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    curve TEXT NOT NULL,             -- SHA-256 of the entry's body, hexadecimal
    analysis TEXT NOT NULL,          -- which analysis, "glow 1"
    preset TEXT NOT NULL,            -- the material's; of a decay, which needs none, ''
    dosimeter TEXT,                  -- the element as the inventory calls it, where one did when the fit was made
    result BLOB NOT NULL,            -- canonical JSON; where it begins with 'x' (0x78) it is packed by zlib
    at TEXT NOT NULL,
    made_after INTEGER,
    PRIMARY KEY (stream, seq, curve, analysis, preset)
) STRICT;

CREATE INDEX curve_fit_dosimeter ON curve_fit (dosimeter);

CREATE TRIGGER curve_fit_no_update BEFORE UPDATE ON curve_fit
BEGIN SELECT RAISE(ABORT, 'curve_fit is append-only'); END;
CREATE TRIGGER curve_fit_no_delete BEFORE DELETE ON curve_fit
BEGIN SELECT RAISE(ABORT, 'curve_fit is append-only'); END;
