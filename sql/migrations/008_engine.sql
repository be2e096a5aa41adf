-- What spoke TLS (enum evidence_engine). Null: nothing did, or the row is older than this column.
ALTER TABLE attempt ADD COLUMN engine smallint;
