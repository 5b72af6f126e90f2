-- Which of two plans came in last is known by the audit entry that was written with it, and by no clock
-- (docs/adr/0015-sealed-rows.md). Plans of earlier releases have NULL, and come first, by the clock.

ALTER TABLE plan ADD COLUMN audit_entry INTEGER;
