-- What else of an attempt's evidence is worth grouping and filtering by. Null in rows that are older than these columns.
ALTER TABLE attempt
    ADD COLUMN hello_acked_us    integer,   -- stamps: after the start; null when not reached
    ADD COLUMN flight_us         integer,
    ADD COLUMN icmp              integer,   -- type * 256 + code of what answered the SYN
    ADD COLUMN hello_bytes       integer,   -- of the ClientHello
    ADD COLUMN hello_retry       boolean,
    ADD COLUMN client_cert_asked boolean,
    ADD COLUMN alert_out         smallint,
    ADD COLUMN chain_length      smallint,  -- certificates as sent
    ADD COLUMN must_staple       boolean,
    ADD COLUMN ocsp              smallint,  -- what the staple says of the leaf (enum evidence_ocsp_status)
    ADD COLUMN abuse             smallint;  -- a bound of the probe that was reached (enum evidence_abuse); null: none
