-- name: latest_version
SELECT version FROM revenge.user_avatars WHERE user_id = %(user_id)s

-- name: present
SELECT to_jsonb(avatars)::text FROM revenge.user_avatars AS avatars WHERE user_id = %(user_id)s AND id IS NOT NULL

-- name: put
INSERT INTO revenge.user_avatars
SELECT (jsonb_populate_record(NULL::revenge.user_avatars, %(avatar)s::text::jsonb)).*
ON CONFLICT (user_id) DO UPDATE
   SET version = excluded.version, id = excluded.id, key = excluded.key, size = excluded.size,
       media_type = excluded.media_type, width = excluded.width, height = excluded.height,
       uploaded_at = excluded.uploaded_at

-- name: remove
-- The count stays: the next picture is no version that somebody may know already.
UPDATE revenge.user_avatars
   SET id = NULL, key = NULL, size = NULL, media_type = NULL, width = NULL, height = NULL, uploaded_at = NULL
 WHERE user_id = %(user_id)s

-- name: in_use
SELECT asked.key
  FROM unnest(%(keys)s::text[]) AS asked (key)
 WHERE EXISTS (SELECT FROM revenge.user_avatars WHERE user_avatars.key = asked.key)
