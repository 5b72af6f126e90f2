-- An entry of the air that was mistyped is replaced by another one, with a reason and a second person; both stay.

ALTER TABLE environment ADD COLUMN replaces INTEGER REFERENCES environment;

ALTER TABLE environment ADD COLUMN reason TEXT;

ALTER TABLE environment ADD COLUMN confirmed_by TEXT
    CHECK (replaces IS NULL OR (reason IS NOT NULL AND confirmed_by IS NOT NULL AND confirmed_by <> who));
