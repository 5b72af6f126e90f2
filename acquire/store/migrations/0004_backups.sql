-- When this content was last copied by `acquire store backup`. In the copy it says how old the copy is, so that a restore
-- can be held against the retention of the spools (docs/noloss.md section 5).

ALTER TABLE identity ADD COLUMN backed_up_at TEXT;
