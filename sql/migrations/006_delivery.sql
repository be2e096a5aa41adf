-- Who may write, through which collector, and what could not be kept.

-- The collectors of this database. Each says that it lives; the vantages of one that does not are nobody's.
CREATE TABLE collector (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,                -- where it listens
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);

-- The one certificate authority of this database's vantages; every collector of it has its key.
CREATE TABLE authority (
    fingerprint bytea PRIMARY KEY,
    one         boolean NOT NULL DEFAULT true UNIQUE CHECK (one),
    made_at     timestamptz NOT NULL DEFAULT now()
);

-- A renewed certificate is in force beside the old one until a session shows it.
ALTER TABLE vantage
    ADD COLUMN collector_id              bigint REFERENCES collector (id) ON DELETE SET NULL,
    ADD COLUMN certificate_not_after     timestamptz,
    ADD COLUMN next_certificate_sha256   bytea,
    ADD COLUMN next_certificate_not_after timestamptz;

-- Every key that a certificate was asked for with (SHA-256 of its SubjectPublicKeyInfo). None is taken twice.
CREATE TABLE vantage_key (
    key_sha256 bytea PRIMARY KEY,
    used_at    timestamptz NOT NULL DEFAULT now()
);

-- The session whose batches are taken; the number of a newer session is higher, whichever collector it is with.
CREATE SEQUENCE session_number;
ALTER TABLE vantage_cursor ADD COLUMN session bigint NOT NULL DEFAULT 0;

-- Results that a vantage's spool had no room for, by endpoint (0: not told apart).
CREATE TABLE dropped (
    endpoint_id bigint NOT NULL,
    round_id    bigint NOT NULL,             -- whose report told of them
    vantage_id  integer NOT NULL REFERENCES vantage (id),
    count       bigint NOT NULL,
    PRIMARY KEY (endpoint_id, round_id, vantage_id)
);
CREATE INDEX dropped_vantage ON dropped (vantage_id, round_id);

-- Records that a vantage sent and that cannot be true. They are not stored.
CREATE TABLE refused_record (
    vantage_id integer NOT NULL REFERENCES vantage (id),
    reason     text NOT NULL,
    count      bigint NOT NULL,
    first_at   timestamptz NOT NULL DEFAULT now(),
    last_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vantage_id, reason)
);
