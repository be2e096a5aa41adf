-- The first schema. Small integers stand for words of proto/words (outcome.h, plan.h, evidence.h); their numbers never
-- change meaning. Large tables carry endpoint_id in every key, so that they can be distributed on it.

CREATE TABLE site (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (name <> ''),
    interval_s  integer NOT NULL DEFAULT 60 CHECK (interval_s BETWEEN 1 AND 86400),
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Removed endpoints stay, because attempts refer to them; site_id is null for one probed on request only.
CREATE TABLE endpoint (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     bigint REFERENCES site (id) ON DELETE SET NULL,
    role        smallint NOT NULL DEFAULT 0,
    host        text NOT NULL CHECK (host <> ''),
    port        integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    sni         text NOT NULL DEFAULT '',
    no_sni      boolean NOT NULL DEFAULT false,
    address     inet,
    starttls    smallint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz
);
CREATE UNIQUE INDEX endpoint_unique ON endpoint
    (coalesce(site_id, 0), role, host, port, sni, no_sni, coalesce(address, '0.0.0.0'), starttls)
    WHERE removed_at IS NULL;
CREATE INDEX endpoint_site ON endpoint (site_id);

CREATE TABLE vantage (
    id                 integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name               text NOT NULL UNIQUE CHECK (name <> ''),
    region             text NOT NULL CHECK (region <> ''),
    labels             jsonb NOT NULL DEFAULT '{}',
    asn_given          bigint,               -- by the operator; null when not
    asn                bigint,               -- in force: from the observed address, else as given, else null
    prefix             cidr,
    country            text,
    address            inet,                 -- last seen from
    certificate_sha256 bytea NOT NULL,       -- of the certificate in force
    enrolled_at        timestamptz NOT NULL DEFAULT now(),
    revoked_at         timestamptz,
    connected_since    timestamptz,          -- null when there is no session
    last_seen_at       timestamptz,
    agent_version      text NOT NULL DEFAULT '',
    tls_library        text NOT NULL DEFAULT ''
);

-- The highest sequence of a vantage that is in the database. Moves in the transaction that stores the rows.
CREATE TABLE vantage_cursor (
    vantage_id  integer PRIMARY KEY REFERENCES vantage (id),
    committed   bigint NOT NULL DEFAULT 0
);

CREATE TABLE token (
    secret_sha256 bytea PRIMARY KEY,
    vantage       text NOT NULL,
    region        text NOT NULL,
    labels        jsonb NOT NULL DEFAULT '{}',
    asn           bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz
);

CREATE TABLE round (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    interval_s  integer NOT NULL,            -- 0: asked for by a person
    start_at    timestamptz NOT NULL,
    spread_us   bigint NOT NULL,
    timeout_us  bigint NOT NULL,
    deadline_at timestamptz NOT NULL,
    endpoints   integer NOT NULL,
    vantages    integer NOT NULL DEFAULT 0,  -- how many the plan was sent to
    closed_at   timestamptz,
    UNIQUE (interval_s, start_at, id)
);
CREATE INDEX round_start ON round (start_at);
CREATE INDEX round_open ON round (deadline_at) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX round_once ON round (interval_s, start_at) WHERE interval_s > 0;

CREATE TABLE round_endpoint (
    round_id    bigint NOT NULL REFERENCES round (id) ON DELETE CASCADE,
    endpoint_id bigint NOT NULL,
    PRIMARY KEY (round_id, endpoint_id)
);

-- One row for each vantage that the plan was sent to; the counts arrive through its spool when it is done.
CREATE TABLE round_vantage (
    round_id    bigint NOT NULL,
    vantage_id  integer NOT NULL REFERENCES vantage (id),
    sent_at     timestamptz,
    reported_at timestamptz,
    attempts    integer NOT NULL DEFAULT 0,
    refused     integer NOT NULL DEFAULT 0,
    late        integer NOT NULL DEFAULT 0,
    dropped     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (round_id, vantage_id)
);

-- A person asks for a round now; the serving collector answers with its id, or with why not.
CREATE TABLE round_request (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_ids bigint[] NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    round_id     bigint,
    refusal      text
);

CREATE TABLE certificate (
    sha256              bytea PRIMARY KEY,
    der                 bytea,                -- null until a vantage has sent it
    subject             text,
    issuer              text,
    serial              text,                 -- hex
    not_before          timestamptz,
    not_after           timestamptz,
    spki_sha256         bytea,
    key_type            text,                 -- "RSA", "EC", "ED25519"
    key_bits            integer,
    signature_algorithm text,
    names               text[],               -- subjectAltName: DNS names and addresses
    is_ca               boolean,
    first_seen_at       timestamptz NOT NULL DEFAULT now()
);

-- A chain as sent, leaf first. digest = SHA-256 over the certificates' hashes in order.
CREATE TABLE chain (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest  bytea NOT NULL UNIQUE,
    sha256  bytea[] NOT NULL
);

CREATE TABLE attempt (
    endpoint_id     bigint NOT NULL,
    start_at        timestamptz NOT NULL,     -- collector time
    vantage_id      integer NOT NULL,
    sequence        bigint NOT NULL,
    round_id        bigint,
    variant         smallint NOT NULL,
    role            smallint NOT NULL,
    -- the outcome, judged by these rules
    rules           smallint NOT NULL,
    stage           smallint NOT NULL,
    class           smallint NOT NULL,
    raw_kind        smallint NOT NULL,
    raw             integer NOT NULL,
    -- time
    start_error_us  bigint NOT NULL,
    slot_at         timestamptz,
    loop_lag_us     integer NOT NULL,
    resolved_us     integer,                  -- stamps: after the start; null when not reached
    connect_us      integer,
    connected_us    integer,
    hello_sent_us   integer,
    first_byte_us   integer,
    handshake_us    integer,
    request_us      integer,
    first_data_us   integer,
    closed_us       integer,
    -- flow
    asn             bigint,                   -- of the vantage, then
    address         inet,
    source_port     integer,
    errno           integer NOT NULL,
    errno_call      smallint NOT NULL,
    min_rtt_us      integer,
    total_retrans   integer,
    sent_bytes      bigint NOT NULL,
    received_bytes  bigint NOT NULL,
    ending          smallint NOT NULL,
    -- dns
    dns_rcode       smallint,
    -- tls
    tls_version     integer,
    cipher          integer,
    tls_group       integer,
    signature       integer,
    alpn            text,
    alert_in        smallint,
    chain_id        bigint,
    verify_error    integer,                  -- the first of the set
    staple          smallint NOT NULL,
    sct_count       smallint NOT NULL,
    -- http
    http_status     smallint,
    server          text,
    -- all of it, as it came (Attempt in evidence.proto)
    evidence        bytea NOT NULL
) PARTITION BY RANGE (start_at);
CREATE INDEX attempt_endpoint ON attempt (endpoint_id, start_at);
CREATE INDEX attempt_round ON attempt (round_id, endpoint_id);

-- Rows of any time have a home; days that are expected get a partition of their own.
CREATE TABLE attempt_default PARTITION OF attempt DEFAULT;

CREATE FUNCTION attempt_partitions(first date, last date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    day date := first;
    part text;
BEGIN
    WHILE day <= last LOOP
        part := 'attempt_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(part) IS NULL
           AND NOT EXISTS (SELECT FROM attempt_default
                           WHERE start_at >= day::timestamp AT TIME ZONE 'UTC'
                             AND start_at < (day + 1)::timestamp AT TIME ZONE 'UTC') THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF attempt FOR VALUES FROM (%L) TO (%L)', part,
                           day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
        day := day + 1;
    END LOOP;
    RETURN made;
END $$;
