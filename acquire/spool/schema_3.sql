-- The sentence of the fault that ended a stream, and the way back of withheld originals (docs/noloss.md rule 3.10).

ALTER TABLE stream ADD COLUMN why TEXT;                            -- beside `ended`, where a fault ended it

ALTER TABLE withheld ADD COLUMN resend INTEGER NOT NULL DEFAULT 0; -- a person asked for it: it is to be sent again
ALTER TABLE withheld ADD COLUMN sent_at REAL;                      -- uptime_s when the store confirmed it, in this epoch
