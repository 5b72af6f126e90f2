-- A checksum beside every body, from its appending on (acquire/checksum.py). What an earlier version appended has none.

ALTER TABLE entry ADD COLUMN checksum INTEGER;

ALTER TABLE withheld ADD COLUMN checksum INTEGER; -- of the original, made when it was appended
