-- name: add
INSERT INTO revenge.users (
    id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
    email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at, may_return,
    display_name_key
) VALUES (
    %(id)s, %(username)s, %(username_key)s, %(email)s, %(email_key)s, %(display_name)s, %(avatar_url)s, %(locale)s,
    %(timezone)s, %(qar_enabled)s, %(is_active)s, %(email_verified)s, %(epoch)s, %(created_at)s, %(updated_at)s,
    %(last_login_at)s, %(deleted_at)s, %(pending_email)s, %(version)s, %(purge_at)s, %(may_return)s,
    %(display_name_key)s
)
ON CONFLICT DO NOTHING
RETURNING id

-- name: is_username_taken
SELECT EXISTS (SELECT FROM revenge.users WHERE username_key = %(username_key)s)

-- name: id_of_email
SELECT id FROM revenge.users WHERE email_key = %(email_key)s

-- name: lock
-- NO KEY: rows that refer to the account may still be added by others.
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at,
       may_return
  FROM revenge.users
 WHERE id = %(id)s AND deleted_at IS NULL
   FOR NO KEY UPDATE

-- name: lock_any
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at,
       may_return
  FROM revenge.users
 WHERE id = %(id)s
   FOR NO KEY UPDATE

-- name: lock_listed
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at,
       may_return,
       ARRAY(SELECT DISTINCT role FROM revenge.held_roles WHERE user_id = id) AS roles
  FROM revenge.users
 WHERE id = %(id)s
   FOR NO KEY UPDATE OF users

-- name: update
UPDATE revenge.users
   SET username = %(username)s, username_key = %(username_key)s, email = %(email)s, email_key = %(email_key)s,
       display_name = %(display_name)s, avatar_url = %(avatar_url)s, locale = %(locale)s, timezone = %(timezone)s,
       qar_enabled = %(qar_enabled)s, is_active = %(is_active)s, email_verified = %(email_verified)s,
       epoch = %(epoch)s, created_at = %(created_at)s, updated_at = %(updated_at)s,
       last_login_at = %(last_login_at)s, deleted_at = %(deleted_at)s, pending_email = %(pending_email)s,
       version = %(version)s, purge_at = %(purge_at)s, may_return = %(may_return)s,
       display_name_key = %(display_name_key)s
 WHERE id = %(id)s

-- name: mark_login
UPDATE revenge.users SET last_login_at = %(at)s WHERE id = %(id)s

-- name: by_ids
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at,
       may_return
  FROM revenge.users
 WHERE id = ANY(%(ids)s::text::uuid[]) AND deleted_at IS NULL

-- name: due_for_purge
SELECT id FROM revenge.users WHERE purge_at <= %(by)s ORDER BY purge_at, id LIMIT %(limit)s

-- name: purge
-- All that is the account's goes with it, by its foreign keys.
DELETE FROM revenge.users WHERE id = %(id)s AND deleted_at IS NOT NULL

-- name: find
-- strpos, not LIKE: `%` and `_` are letters like others.
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at,
       may_return,
       ARRAY(SELECT DISTINCT role FROM revenge.held_roles WHERE user_id = id) AS roles
  FROM revenge.users
 WHERE (deleted_at IS NOT NULL) = %(is_deleted)s
   AND (%(is_active)s::boolean IS NULL OR is_active = %(is_active)s)
   AND (%(is_admin)s::boolean IS NULL
        OR EXISTS (SELECT FROM revenge.held_roles WHERE user_id = id AND role = %(admin)s) = %(is_admin)s)
   AND (%(role)s::text IS NULL
        OR EXISTS (SELECT FROM revenge.held_roles WHERE user_id = id AND role = %(role)s))
   AND (%(text)s::text IS NULL
        OR strpos(username_key, %(text)s) > 0 OR strpos(email_key, %(text)s) > 0
        OR strpos(display_name_key, %(text)s) > 0)
 ORDER BY created_at DESC, id DESC
 LIMIT %(limit)s OFFSET %(offset)s

-- name: count
SELECT count(*)
  FROM revenge.users
 WHERE (deleted_at IS NOT NULL) = %(is_deleted)s
   AND (%(is_active)s::boolean IS NULL OR is_active = %(is_active)s)
   AND (%(is_admin)s::boolean IS NULL
        OR EXISTS (SELECT FROM revenge.held_roles WHERE user_id = id AND role = %(admin)s) = %(is_admin)s)
   AND (%(role)s::text IS NULL
        OR EXISTS (SELECT FROM revenge.held_roles WHERE user_id = id AND role = %(role)s))
   AND (%(text)s::text IS NULL
        OR strpos(username_key, %(text)s) > 0 OR strpos(email_key, %(text)s) > 0
        OR strpos(display_name_key, %(text)s) > 0)

-- name: any_by_id
SELECT id, username, username_key, email, email_key, display_name, avatar_url, locale, timezone, qar_enabled, is_active,
       email_verified, epoch, created_at, updated_at, last_login_at, deleted_at, pending_email, version, purge_at,
       may_return,
       ARRAY(SELECT DISTINCT role FROM revenge.held_roles WHERE user_id = id) AS roles
  FROM revenge.users
 WHERE id = %(id)s

-- name: id_of
SELECT id
  FROM revenge.users
 WHERE username_key = %(key)s OR email_key = %(key)s
 ORDER BY username_key = %(key)s DESC
 LIMIT 1
