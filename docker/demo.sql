-- The demo table; the embedded PostgreSQL makes the same one (Ingest.Node/Embedded/DemoDatabase.cs).
CREATE TABLE clicks(
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    url     text NOT NULL,
    user_id bigint,
    amount  double precision,
    at      timestamptz NOT NULL DEFAULT now());
