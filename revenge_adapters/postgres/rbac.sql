-- name: grant
WITH wanted AS (
    SELECT name FROM revenge.roles WHERE name = %(role)s
),
granted AS (
    INSERT INTO revenge.user_roles (user_id, role, source, granted_at, granted_by)
    SELECT %(user_id)s, name, %(source)s, %(granted_at)s, %(granted_by)s::uuid FROM wanted
    ON CONFLICT (user_id, role, source) DO NOTHING
)
SELECT EXISTS (SELECT FROM wanted)

-- name: roles_of
SELECT DISTINCT role FROM revenge.held_roles WHERE user_id = %(user_id)s

-- name: granted_to
SELECT DISTINCT role FROM revenge.user_roles WHERE user_id = %(user_id)s

-- name: known_roles
SELECT name FROM revenge.roles WHERE name = ANY(%(roles)s::text[])

-- name: withdraw_others
DELETE FROM revenge.user_roles WHERE user_id = %(user_id)s AND role <> ALL(%(roles)s::text[])

-- name: lock_admin_role
-- The role's row stands for all who hold it. NO KEY: the role may still be granted meanwhile.
SELECT name FROM revenge.roles WHERE name = %(admin)s FOR NO KEY UPDATE

-- name: enabled_admins
-- A statement of its own, after the wait for the lock: it sees what the one before has committed.
SELECT DISTINCT held_roles.user_id
  FROM revenge.held_roles
  JOIN revenge.users ON users.id = held_roles.user_id
 WHERE held_roles.role = %(admin)s AND users.is_active AND users.deleted_at IS NULL

-- name: has_enabled_admin
SELECT EXISTS (
    SELECT
      FROM revenge.held_roles
      JOIN revenge.users ON users.id = held_roles.user_id
     WHERE held_roles.role = %(admin)s AND users.is_active AND users.deleted_at IS NULL
)

-- name: all_roles
SELECT name, description, built_in, version,
       ARRAY(SELECT parent FROM revenge.role_parents WHERE role = roles.name) AS parents,
       ARRAY(SELECT permission FROM revenge.role_permissions WHERE role = roles.name) AS permissions
  FROM revenge.roles
 ORDER BY name
