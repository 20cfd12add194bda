-- All that a node needs in a database: INSERT on the tables, USAGE on the sequences of their keys, and a schema of its
-- own. To be run once, by a superuser or by the owner of both the database and the tables:
--
--     psql -d app -f docker/grants.sql
--
-- The node then connects with Username=ingest_node. Change the password here, and the schema where it is not public.

CREATE ROLE ingest_node LOGIN PASSWORD 'change-me' NOSUPERUSER NOCREATEDB NOCREATEROLE;

-- The ledger, keys, dead letters and the journal are there; the node makes them. It may make nothing elsewhere.
CREATE SCHEMA ingest AUTHORIZATION ingest_node;

GRANT USAGE ON SCHEMA public TO ingest_node;
GRANT INSERT ON ALL TABLES IN SCHEMA public TO ingest_node;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ingest_node;

-- The same for tables that whoever runs this makes later. Leave it out to serve only those that are granted one by one.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO ingest_node;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO ingest_node;
