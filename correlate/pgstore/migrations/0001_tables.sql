-- Names, keys and IDs are strings of any bytes, and compare byte by byte.

CREATE TABLE {schema}.records (
    kind        bytea NOT NULL,
    namespace   bytea NOT NULL,
    service     bytea NOT NULL,
    environment bytea NOT NULL,
    id          bytea NOT NULL,
    version     integer NOT NULL,
    data        bytea,          -- NULL: deleted; the row says by whom for a while
    expires     timestamptz,    -- NULL: never
    marks       bytea NOT NULL, -- the last update of each writer, the newest at the end
    PRIMARY KEY (kind, namespace, service, environment, id)
);

CREATE INDEX records_expires ON {schema}.records (expires) WHERE expires IS NOT NULL;

CREATE TABLE {schema}.deliveries (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order within a line
    id           bytea NOT NULL UNIQUE,
    kind         bytea NOT NULL,
    namespace    bytea NOT NULL,
    service      bytea NOT NULL,
    environment  bytea NOT NULL,
    record       bytea NOT NULL,
    sink         bytea NOT NULL,
    operation    text NOT NULL,
    due          timestamptz NOT NULL,
    attempts     integer NOT NULL,
    created      timestamptz NOT NULL,
    lease        text,        -- of the last claim
    leased_until timestamptz  -- by the clock of the server
);

-- A line is the deliveries of one record and sink.
CREATE INDEX deliveries_line ON {schema}.deliveries (namespace, service, environment, sink, kind, record, number);
