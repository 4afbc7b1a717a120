-- name: notify
SELECT count(pg_notify('revenge_jobs', payload)) FROM unnest(%(payloads)s::text::text[]) AS payload
