-- name: begin
-- Whoever comes second waits for the first to commit, and then holds the row that it is told about.
INSERT INTO revenge.idempotency_keys AS known (caller, operation, key_hash, fingerprint, begun_at)
VALUES (%(caller)s, %(operation)s, %(key_hash)s, %(fingerprint)s, %(at)s)
ON CONFLICT (caller, operation, key_hash) DO UPDATE
   SET fingerprint = excluded.fingerprint, begun_at = excluded.begun_at, status = NULL, body = NULL, location = NULL
 WHERE known.begun_at < %(expired_before)s
    OR known.status IS NULL AND known.begun_at < %(stale_before)s AND known.fingerprint = excluded.fingerprint
RETURNING true

-- name: recorded
SELECT fingerprint, begun_at, status, body, location
  FROM revenge.idempotency_keys
 WHERE caller = %(caller)s AND operation = %(operation)s AND key_hash = %(key_hash)s

-- name: finish
UPDATE revenge.idempotency_keys
   SET status = %(status)s, body = %(body)s, location = %(location)s
 WHERE caller = %(caller)s AND operation = %(operation)s AND key_hash = %(key_hash)s
   AND begun_at = %(begun_at)s AND status IS NULL

-- name: abandon
DELETE FROM revenge.idempotency_keys
 WHERE caller = %(caller)s AND operation = %(operation)s AND key_hash = %(key_hash)s
   AND begun_at = %(begun_at)s AND status IS NULL

-- name: forget
DELETE FROM revenge.idempotency_keys
 WHERE (caller, operation, key_hash) IN (
       SELECT caller, operation, key_hash
         FROM revenge.idempotency_keys
        WHERE begun_at < %(before)s
        ORDER BY begun_at
        LIMIT %(limit)s
          FOR UPDATE SKIP LOCKED
 )
