-- A diode that was bound to a port of another instrument: its own instrument, and which of that instrument's entries were
-- read while the port's beam was on. NULL where it is on the port's own instrument; a column that is NULL changes no seal.

ALTER TABLE binding ADD COLUMN instrument TEXT;
ALTER TABLE binding ADD COLUMN stream TEXT;
ALTER TABLE binding ADD COLUMN first_seq INTEGER;
ALTER TABLE binding ADD COLUMN last_seq INTEGER;

-- How many MU a part of a beam had, as the console shows it.
ALTER TABLE beam_part_said ADD COLUMN mu REAL;
