-- What is made of rounds that are over: rollups for long windows, and incidents. Small integers are numbers of
-- collector/diff/watch.h and proto/words.

-- Vantages are held against these: endpoints that are well, whatever happens to the others.
ALTER TABLE site ADD COLUMN sentinel boolean NOT NULL DEFAULT false;

-- The share of attempts that fail at a vantage while all is well, learned round by round; null: not learned yet.
ALTER TABLE vantage ADD COLUMN baseline double precision;

-- Where a redirect leads, without its query, which often differs each time.
ALTER TABLE attempt ADD COLUMN location text;

-- Rounds are judged once, in order, when they are over.
ALTER TABLE round ADD COLUMN judged_at timestamptz;
-- What was over before there was a judge is history.
UPDATE round SET judged_at = now() WHERE closed_at IS NOT NULL;
CREATE INDEX round_unjudged ON round (start_at) WHERE closed_at IS NOT NULL AND judged_at IS NULL;

CREATE TABLE incident (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key              text NOT NULL,
    kind             smallint NOT NULL,
    opened_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    closed_at        timestamptz,
    first_round      bigint NOT NULL,
    last_round       bigint NOT NULL,
    -- where
    place            smallint NOT NULL,
    endpoint_id      bigint,
    vantage_id       integer,
    region           text,
    asn              bigint,
    address          inet,
    edge             text,
    pop              text,
    -- what
    stage            smallint NOT NULL,
    class            smallint NOT NULL,
    raw_kind         smallint NOT NULL,
    raw              integer NOT NULL,
    cause            text NOT NULL DEFAULT '',  -- id of the catalogue
    confirmed        boolean NOT NULL DEFAULT false,
    confidence       double precision NOT NULL,
    rounds_failed    integer NOT NULL DEFAULT 0,
    rounds           integer NOT NULL DEFAULT 0,
    flapping         boolean NOT NULL DEFAULT false,
    flap_penalty     double precision NOT NULL DEFAULT 0,
    transitions      integer NOT NULL DEFAULT 0,
    -- counts, tests, alternatives, caveats and hints: "incident" in docs/JSON.md
    detail           jsonb NOT NULL,
    alert_labels     jsonb                       -- of its alert, as they were told first; null: it was not told
);
CREATE UNIQUE INDEX incident_open ON incident (key) WHERE closed_at IS NULL;
CREATE INDEX incident_time ON incident (opened_at);

CREATE TABLE incident_endpoint (
    incident_id  bigint NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
    endpoint_id  bigint NOT NULL,
    PRIMARY KEY (incident_id, endpoint_id)
);

-- Its history, and the queue of alerts.
CREATE TABLE incident_event (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id  bigint NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
    at           timestamptz NOT NULL,           -- of the round
    round_id     bigint,
    change       smallint NOT NULL,
    confidence   double precision NOT NULL,
    detail       jsonb NOT NULL
);
CREATE INDEX incident_event_incident ON incident_event (incident_id);

-- How far each receiver of alerts has been told.
CREATE TABLE alert_cursor (
    receiver  text PRIMARY KEY,
    event_id  bigint NOT NULL
);

-- Attempts of rounds, counted by ten minutes: what reports over long windows read.
CREATE TABLE rollup_count (
    endpoint_id  bigint NOT NULL,
    vantage_id   integer NOT NULL,
    bucket_at    timestamptz NOT NULL,
    role         smallint NOT NULL,
    class        smallint NOT NULL,
    raw_kind     smallint NOT NULL,
    raw          integer NOT NULL,
    family       smallint NOT NULL,              -- 4, 6; 0: it did not come to an address
    asn          bigint NOT NULL,                -- of the vantage, then; 0: unknown
    count        integer NOT NULL,
    PRIMARY KEY (endpoint_id, bucket_at, vantage_id, role, class, raw_kind, raw, family, asn)
);
CREATE INDEX rollup_count_time ON rollup_count (bucket_at);

-- The same by the hour, as every rollup has it: the sum of its buckets.
CREATE TABLE rollup_count_hour (
    endpoint_id  bigint NOT NULL,
    vantage_id   integer NOT NULL,
    hour_at      timestamptz NOT NULL,
    role         smallint NOT NULL,
    class        smallint NOT NULL,
    raw_kind     smallint NOT NULL,
    raw          integer NOT NULL,
    family       smallint NOT NULL,
    asn          bigint NOT NULL,
    count        integer NOT NULL,
    PRIMARY KEY (endpoint_id, hour_at, vantage_id, role, class, raw_kind, raw, family, asn)
);
CREATE INDEX rollup_count_hour_time ON rollup_count_hour (hour_at);

-- What handshakes looked like, by the same buckets. `passed`: of attempts that passed. Version, cipher, group and ALPN are of handshakes that
-- were completed ('none': the server chose no ALPN); the rest is whatever an attempt showed before it ended.
CREATE TABLE rollup_look (
    endpoint_id  bigint NOT NULL,
    vantage_id   integer NOT NULL,
    bucket_at    timestamptz NOT NULL,
    passed       boolean NOT NULL,
    chain_id     bigint NOT NULL,                -- 0 and '' where there was none
    tls_version  integer NOT NULL,
    cipher       integer NOT NULL,
    tls_group    integer NOT NULL,
    alpn         text NOT NULL,
    http_status  smallint NOT NULL,
    location     text NOT NULL,
    address      text NOT NULL,
    edge         text NOT NULL,
    pop          text NOT NULL,
    count        integer NOT NULL,
    PRIMARY KEY (endpoint_id, bucket_at, vantage_id, passed, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, address, edge, pop)
);
CREATE INDEX rollup_look_time ON rollup_look (bucket_at);

CREATE TABLE rollup_look_hour (
    endpoint_id  bigint NOT NULL,
    vantage_id   integer NOT NULL,
    hour_at      timestamptz NOT NULL,
    passed       boolean NOT NULL,
    chain_id     bigint NOT NULL,
    tls_version  integer NOT NULL,
    cipher       integer NOT NULL,
    tls_group    integer NOT NULL,
    alpn         text NOT NULL,
    http_status  smallint NOT NULL,
    location     text NOT NULL,
    address      text NOT NULL,
    edge         text NOT NULL,
    pop          text NOT NULL,
    count        integer NOT NULL,
    PRIMARY KEY (endpoint_id, hour_at, vantage_id, passed, chain_id, tls_version, cipher, tls_group, alpn, http_status, location, address, edge, pop)
);
CREATE INDEX rollup_look_hour_time ON rollup_look_hour (hour_at);

-- Latencies of first attempts that passed. Bin k of a histogram counts values from 2^(k/4) to 2^((k+1)/4) microseconds (k from 0, at most 127).
CREATE TABLE rollup_latency (
    endpoint_id  bigint NOT NULL,
    vantage_id   integer NOT NULL,
    bucket_at    timestamptz NOT NULL,
    stage        smallint NOT NULL,              -- 0 dns, 1 tcp, 2 tls, 3 http, 4 all of it, 5 distance from its slot
    count        integer NOT NULL,
    sum_us       bigint NOT NULL,
    min_us       integer NOT NULL,
    max_us       integer NOT NULL,
    bins         smallint[] NOT NULL,            -- numbers of the bins that are not empty, ascending
    counts       integer[] NOT NULL,             -- how many are in each
    PRIMARY KEY (endpoint_id, bucket_at, vantage_id, stage)
);
CREATE INDEX rollup_latency_time ON rollup_latency (bucket_at);

CREATE TABLE rollup_latency_hour (
    endpoint_id  bigint NOT NULL,
    vantage_id   integer NOT NULL,
    hour_at      timestamptz NOT NULL,
    stage        smallint NOT NULL,
    count        integer NOT NULL,
    sum_us       bigint NOT NULL,
    min_us       integer NOT NULL,
    max_us       integer NOT NULL,
    bins         smallint[] NOT NULL,
    counts       integer[] NOT NULL,
    PRIMARY KEY (endpoint_id, hour_at, vantage_id, stage)
);
CREATE INDEX rollup_latency_hour_time ON rollup_latency_hour (hour_at);

-- Some rounds or ten minutes out of a day of attempts.
CREATE INDEX attempt_time ON attempt (start_at);

-- Buckets to be counted again: ingest touches them in the transaction that stores rows, so that late rows are never left out.
CREATE TABLE rollup_due (
    bucket_at    timestamptz PRIMARY KEY,
    touched_at   timestamptz NOT NULL DEFAULT now()
);
INSERT INTO rollup_due (bucket_at) SELECT DISTINCT date_bin('10 minutes', start_at, timestamptz 'epoch') FROM attempt;
