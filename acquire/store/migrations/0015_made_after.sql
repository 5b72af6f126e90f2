-- What people do is ordered against readings by what had been received when they did it, and by no clock: each row that
-- people make says the number of the last row of `received` committed before it (docs/adr/0015-sealed-rows.md). Rows of
-- earlier releases have NULL: they go on being ordered by the store's clock. A column that is NULL changes no seal.

ALTER TABLE document ADD COLUMN made_after INTEGER;
ALTER TABLE orders ADD COLUMN made_after INTEGER;
ALTER TABLE plan ADD COLUMN made_after INTEGER;
ALTER TABLE expected_confirmed ADD COLUMN made_after INTEGER;
ALTER TABLE session ADD COLUMN made_after INTEGER;
ALTER TABLE session_state ADD COLUMN made_after INTEGER;
ALTER TABLE time_out ADD COLUMN made_after INTEGER;
ALTER TABLE environment ADD COLUMN made_after INTEGER;
ALTER TABLE attempt ADD COLUMN made_after INTEGER;
ALTER TABLE attempt_mark ADD COLUMN made_after INTEGER;
ALTER TABLE attempt_in_force ADD COLUMN made_after INTEGER;
ALTER TABLE not_measured ADD COLUMN made_after INTEGER;
ALTER TABLE placement ADD COLUMN made_after INTEGER;
ALTER TABLE removal ADD COLUMN made_after INTEGER;
ALTER TABLE result ADD COLUMN made_after INTEGER;
ALTER TABLE statement ADD COLUMN made_after INTEGER;
ALTER TABLE console_time ADD COLUMN made_after INTEGER;
ALTER TABLE spectrum_file ADD COLUMN made_after INTEGER;
ALTER TABLE binding ADD COLUMN made_after INTEGER;

-- Which of several came first, where the key is no number: the audit entry that was written with the row says it. Rows of
-- earlier releases have NULL, and come first, by the clock.
ALTER TABLE orders ADD COLUMN audit_entry INTEGER;
ALTER TABLE session ADD COLUMN audit_entry INTEGER;
ALTER TABLE attempt ADD COLUMN audit_entry INTEGER;

-- Where an element lay is asked for by the element; what came since a session began by the number it was received with.
CREATE INDEX placement_dosimeter ON placement (dosimeter);
CREATE INDEX entries_of_elements ON entries (received) WHERE element IS NOT NULL;

-- How many entries there are is known by the watermarks; how many of them were refused, by this.
CREATE INDEX entries_refused ON entries (stream) WHERE status = 1;

-- Since it decides, the number of `received` is part of what the chain of a stream holds: of rows with 1 here. Those of
-- earlier releases are held by their time alone, and so is a stand-in without a number.
ALTER TABLE received ADD COLUMN numbered INTEGER;
ALTER TABLE stand_ins ADD COLUMN received INTEGER;
