-- The PDF of a signed record, made of the JSON that is kept with the signature (docs/adr/0044-record-on-paper.md).

CREATE TABLE rendition_pdf (
    session TEXT NOT NULL,
    version INTEGER NOT NULL,
    n INTEGER NOT NULL,
    pdf TEXT NOT NULL REFERENCES document,
    made_with TEXT NOT NULL,         -- program and version: another one lays the same record out otherwise
    made_after INTEGER,
    PRIMARY KEY (session, version, n),
    FOREIGN KEY (session, version, n) REFERENCES rendition
) STRICT;

CREATE TRIGGER rendition_pdf_no_update BEFORE UPDATE ON rendition_pdf
BEGIN SELECT RAISE(ABORT, 'rendition_pdf is append-only'); END;
CREATE TRIGGER rendition_pdf_no_delete BEFORE DELETE ON rendition_pdf
BEGIN SELECT RAISE(ABORT, 'rendition_pdf is append-only'); END;
