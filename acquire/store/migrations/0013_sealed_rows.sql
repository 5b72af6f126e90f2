-- Rows that people make are held by audit entries: each entry names the rows written with it, as canonical JSON of
-- [table, key, SHA-256 of the canonical row], and its hash covers that (docs/adr/0015-sealed-rows.md). Entries of earlier
-- releases name none (NULL); what is there already is sealed by `acquire.store.upgrade` in the same transaction.

ALTER TABLE audit ADD COLUMN rows TEXT;

-- A session's rows are found without reading those of all others.
CREATE INDEX session_state_session ON session_state (session);
CREATE INDEX time_out_session ON time_out (session);
CREATE INDEX environment_session ON environment (session);
CREATE INDEX attempt_session ON attempt (session);
CREATE INDEX placement_session ON placement (session);
CREATE INDEX statement_session ON statement (session);
CREATE INDEX console_time_session ON console_time (session);
CREATE INDEX spectrum_file_session ON spectrum_file (session);
