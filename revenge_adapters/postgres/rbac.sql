-- name: add
INSERT INTO revenge.roles (name, description, built_in, version)
VALUES (%(name)s, %(description)s, %(built_in)s, %(version)s)
ON CONFLICT DO NOTHING
RETURNING name

-- name: update
UPDATE revenge.roles SET description = %(description)s, version = %(version)s WHERE name = %(name)s

-- name: put_parents
WITH gone AS (
    DELETE FROM revenge.role_parents WHERE role = %(name)s AND parent <> ALL(%(parents)s::text[])
)
INSERT INTO revenge.role_parents (role, parent)
SELECT %(name)s, parent FROM unnest(%(parents)s::text[]) AS parent
ON CONFLICT DO NOTHING

-- name: put_permissions
WITH gone AS (
    DELETE FROM revenge.role_permissions WHERE role = %(name)s AND permission <> ALL(%(permissions)s::text[])
)
INSERT INTO revenge.role_permissions (role, permission, source)
SELECT %(name)s, permission, %(source)s FROM unnest(%(permissions)s::text[]) AS permission
ON CONFLICT DO NOTHING

-- name: lock
-- FOR UPDATE, since a grant or an invitation shares the row's key.
SELECT name FROM revenge.roles WHERE name = %(name)s FOR UPDATE

-- name: use_of
-- DISTINCT before it is counted: 100,000 holders are hashed in a sixth of the time that sorting them takes.
SELECT (SELECT count(*)
          FROM (SELECT DISTINCT user_id FROM revenge.held_roles WHERE role = %(name)s) AS held
          JOIN revenge.users ON users.id = held.user_id
         WHERE users.deleted_at IS NULL) AS holders,
       (SELECT count(DISTINCT user_id) FROM revenge.user_roles WHERE role = %(name)s) AS accounts,
       (SELECT count(*) FROM revenge.group_roles WHERE role = %(name)s) AS groups,
       (SELECT count(*) FROM revenge.role_parents WHERE parent = %(name)s) AS children,
       (SELECT count(*)
          FROM revenge.invitations
         WHERE role = %(name)s AND used < uses AND revoked_at IS NULL AND expires_at > %(at)s) AS invitations

-- name: delete
DELETE FROM revenge.roles WHERE name = %(name)s

-- name: grant
-- The role's key is shared before its name is believed: it may be about to be deleted.
WITH wanted AS (
    SELECT name FROM revenge.roles WHERE name = %(role)s FOR KEY SHARE
),
granted AS (
    INSERT INTO revenge.user_roles (user_id, role, source, granted_at, granted_by)
    SELECT %(user_id)s, name, %(source)s, %(granted_at)s, %(granted_by)s::uuid FROM wanted
    ON CONFLICT (user_id, role, source) DO NOTHING
    RETURNING role
)
SELECT EXISTS (SELECT FROM granted) FROM wanted

-- name: withdraw
DELETE FROM revenge.user_roles
 WHERE user_id = %(user_id)s AND role = %(role)s AND (%(source)s::text IS NULL OR source = %(source)s)
RETURNING source

-- name: keep_of_source
DELETE FROM revenge.user_roles
 WHERE user_id = %(user_id)s AND source = %(source)s AND role <> ALL(%(roles)s::text[])
RETURNING role

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

-- name: counted
SELECT name, description, built_in, version,
       ARRAY(SELECT parent FROM revenge.role_parents WHERE role = roles.name) AS parents,
       ARRAY(SELECT permission FROM revenge.role_permissions WHERE role = roles.name) AS permissions,
       COALESCE(counted.users, 0) AS user_count
  FROM revenge.roles
  LEFT JOIN (
        SELECT held.role, count(*) AS users
          FROM (SELECT DISTINCT user_id, role FROM revenge.held_roles WHERE %(name)s::text IS NULL OR role = %(name)s)
                   AS held
          JOIN revenge.users ON users.id = held.user_id
         WHERE users.deleted_at IS NULL
         GROUP BY held.role
       ) AS counted ON counted.role = roles.name
 WHERE %(name)s::text IS NULL OR name = %(name)s
 ORDER BY name

-- name: policies
SELECT role, permission, source FROM revenge.role_permissions ORDER BY role, permission

-- name: holders
SELECT id AS user_id, username
  FROM revenge.users
 WHERE deleted_at IS NULL
   AND EXISTS (SELECT FROM revenge.held_roles WHERE held_roles.user_id = users.id AND held_roles.role = %(role)s)
 ORDER BY username_key, id
 LIMIT %(limit)s OFFSET %(offset)s

-- name: holder
SELECT id AS user_id, username FROM revenge.users WHERE id = %(id)s

-- name: count_holders
SELECT count(*)
  FROM (SELECT DISTINCT user_id FROM revenge.held_roles WHERE role = %(role)s) AS held
  JOIN revenge.users ON users.id = held.user_id
 WHERE users.deleted_at IS NULL

-- name: holdings
SELECT user_id, role, source, granted_at AS since, granted_by AS given_by, NULL::uuid AS group_id,
       NULL::text AS group_name
  FROM revenge.user_roles
 WHERE user_id = ANY(%(ids)s::text::uuid[]) AND (%(role)s::text IS NULL OR role = %(role)s)
UNION ALL
SELECT group_members.user_id, group_roles.role, group_members.source, group_members.added_at, group_members.added_by,
       groups.id, groups.name
  FROM revenge.group_members
  JOIN revenge.group_roles ON group_roles.group_id = group_members.group_id
  JOIN revenge.groups ON groups.id = group_members.group_id
 WHERE group_members.user_id = ANY(%(ids)s::text::uuid[]) AND (%(role)s::text IS NULL OR group_roles.role = %(role)s)
 ORDER BY role, group_id NULLS FIRST, source
