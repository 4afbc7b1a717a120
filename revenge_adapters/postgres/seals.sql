-- name: seal
SELECT revenge.seal_activity(%(limit)s)

-- name: add_checkpoint
INSERT INTO revenge.activity_checkpoints (sequence, hash, created_at, key_id, public_key, signature)
VALUES (%(sequence)s, %(hash)s, %(created_at)s, %(key_id)s, %(public_key)s, %(signature)s)
ON CONFLICT (sequence) DO NOTHING

-- name: mark_shipped
UPDATE revenge.activity_checkpoints SET shipped_at = %(at)s WHERE sequence <= %(upto)s AND shipped_at IS NULL

-- name: erase
SELECT revenge.erase_activity(%(user_id)s, %(limit)s)

-- name: drop
SELECT revenge.drop_activity(%(before)s, %(at)s)

-- name: drop_seals
SELECT revenge.drop_activity_seals(%(limit)s)

-- name: sign_retention
UPDATE revenge.activity_retentions
   SET key_id = %(key_id)s, public_key = %(public_key)s, signature = %(signature)s
 WHERE number = %(number)s AND signature IS NULL

-- name: retention
SELECT number, dropped_at, before, what, entries, sequence, hash, key_id, public_key, signature
  FROM revenge.activity_retentions
 ORDER BY number DESC
 LIMIT 1

-- name: seals
SELECT sequence, entry_id, entry_at, content, personal, hash
  FROM revenge.activity_seals
 WHERE sequence > %(after)s
 ORDER BY sequence
 LIMIT %(limit)s

-- name: last
SELECT sequence, entry_id, entry_at, content, personal, hash
  FROM revenge.activity_seals
 ORDER BY sequence DESC
 LIMIT 1

-- name: rows
-- The span is there for the planner: it leaves out the partitions of other months.
SELECT id, created_at, actor_kind, actor_id, session_id, key_id, on_behalf_of, action, outcome, reason, resource_type,
       resource_id, resource_key, changes::text AS changes, address, user_agent, request_id, salt
  FROM revenge.activity
 WHERE id = ANY (%(ids)s) AND created_at BETWEEN %(since)s AND %(upto)s

-- name: hashes
SELECT sequence, entry_id, entry_at, content, personal, hash
  FROM revenge.activity_seals
 WHERE sequence = ANY (%(sequences)s)

-- name: waiting
SELECT entry_id, entry_at, content, personal
  FROM revenge.activity_unsealed
 WHERE (entry_at, entry_id) > (%(at)s, %(id)s)
 ORDER BY entry_at, entry_id
 LIMIT %(limit)s

-- name: backlog
SELECT count(*) AS entries, min(entry_at) AS oldest FROM revenge.activity_unsealed

-- name: looks
-- The inner limits keep the planner from reading all seals to find those of one page.
SELECT entry.id, entry.created_at, sealed.sequence, waiting.found IS NOT NULL AS waits, entry.rows = 1 AS is_single
  FROM (
           SELECT id, created_at, count(*) AS rows
             FROM revenge.activity
            WHERE created_at >= %(at)s AND (created_at, id) > (%(at)s, %(id)s)
            GROUP BY created_at, id
            ORDER BY created_at, id
            LIMIT %(limit)s
       ) AS entry
  LEFT JOIN LATERAL (
           SELECT max(sequence) AS sequence FROM revenge.activity_seals
            WHERE entry_id = entry.id AND entry_at = entry.created_at
       ) AS sealed ON true
  LEFT JOIN LATERAL (
           SELECT true AS found FROM revenge.activity_unsealed
            WHERE entry_id = entry.id AND entry_at = entry.created_at
            LIMIT 1
       ) AS waiting ON true
 ORDER BY entry.created_at, entry.id

-- name: checkpoints
SELECT sequence, hash, created_at, key_id, public_key, signature
  FROM revenge.activity_checkpoints
 WHERE sequence > %(after)s
 ORDER BY sequence
 LIMIT %(limit)s

-- name: newest_checkpoint
SELECT sequence, hash, created_at, key_id, public_key, signature
  FROM revenge.activity_checkpoints
 WHERE created_at <= %(by)s
 ORDER BY sequence DESC
 LIMIT 1

-- name: unshipped
SELECT sequence, hash, created_at, key_id, public_key, signature
  FROM revenge.activity_checkpoints
 WHERE shipped_at IS NULL
 ORDER BY sequence
 LIMIT %(limit)s

-- name: retentions
SELECT number, dropped_at, before, what, entries, sequence, hash, key_id, public_key, signature
  FROM revenge.activity_retentions
 WHERE number > %(after)s
 ORDER BY number
 LIMIT %(limit)s

-- name: purged
SELECT one
  FROM unnest(%(ids)s::uuid[]) AS one
 WHERE EXISTS (SELECT FROM revenge.activity WHERE resource_id = one AND action = 'user.purge')
