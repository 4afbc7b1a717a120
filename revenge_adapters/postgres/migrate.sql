-- name: lock
-- One process at a time; held until the transaction ends, so it needs no session of its own.
SELECT true FROM pg_advisory_xact_lock(7305801392406101)

-- name: has_schema
SELECT to_regnamespace('revenge') IS NOT NULL

-- name: has_table
SELECT to_regclass('revenge.migrations') IS NOT NULL

-- name: create_schema
CREATE SCHEMA revenge

-- name: create_table
CREATE TABLE revenge.migrations (
    number     integer     NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL
)

-- name: applied
SELECT number, name, checksum, applied_at FROM revenge.migrations ORDER BY number

-- name: record
INSERT INTO revenge.migrations (number, name, checksum, applied_at)
VALUES (%(number)s, %(name)s, %(checksum)s, %(applied_at)s)

-- name: has_role
SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %(role)s)

-- name: make_partitions
SELECT revenge.activity_make_partitions(%(since)s, %(upto)s)
