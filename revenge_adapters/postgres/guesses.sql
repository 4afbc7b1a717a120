-- name: lock
-- Arrays are asked for with a SELECT of their own here: a plan that knew how many there are would be made anew each time.
-- One statement that makes what is new and locks what is there, key by key: two who lock several never wait in a circle.
INSERT INTO revenge.guesses (key, used, at, refused)
SELECT key, 0, %(at)s, 0 FROM unnest((SELECT %(keys)s::text::text[])) AS wanted (key) ORDER BY key COLLATE "C"
ON CONFLICT (key) DO UPDATE SET used = guesses.used
RETURNING key, used, at, refused, told_at

-- name: put
UPDATE revenge.guesses
   SET used = kept.used, at = kept.at, refused = kept.refused, told_at = kept.told_at
  FROM unnest(
           (SELECT %(keys)s::text::text[]), (SELECT %(used)s::text::double precision[]),
           (SELECT %(times)s::text::timestamptz[]), (SELECT %(refused)s::text::integer[]),
           (SELECT %(told)s::text::timestamptz[])
       ) AS kept (key, used, at, refused, told_at)
 WHERE guesses.key = kept.key

-- name: give_back
WITH given AS (
    SELECT key, given.ticks * interval '1 microsecond' AS earlier
      FROM unnest((SELECT %(keys)s::text::text[]), (SELECT %(earlier)s::text::bigint[])) AS given (key, ticks)
      JOIN revenge.guesses USING (key)
     ORDER BY key COLLATE "C"
       FOR NO KEY UPDATE OF guesses
)
UPDATE revenge.guesses SET at = guesses.at - given.earlier FROM given WHERE guesses.key = given.key

-- name: lock_untold
SELECT key, used, at, refused, told_at
  FROM revenge.guesses
 WHERE refused > 0 AND told_at < %(told_before)s
 LIMIT %(limit)s
   FOR NO KEY UPDATE SKIP LOCKED

-- name: clear
-- In the order of `lock`, here and below.
DELETE FROM revenge.guesses
 WHERE key IN (
       SELECT key
         FROM revenge.guesses
        WHERE %(subject)s = ANY(string_to_array(substr(key, strpos(key, ':') + 1), ' '))
        ORDER BY key
          FOR UPDATE
 )

-- name: forget
DELETE FROM revenge.guesses
 WHERE key IN (
       SELECT key FROM revenge.guesses WHERE at < %(before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
 )

-- name: used
SELECT key, used, at, refused, told_at FROM revenge.guesses WHERE used > 0 ORDER BY at DESC, key LIMIT %(limit)s
