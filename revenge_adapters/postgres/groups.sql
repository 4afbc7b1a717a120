-- name: add
INSERT INTO revenge.groups (id, name, name_key, description, version, created_at, updated_at)
VALUES (%(id)s, %(name)s, %(name_key)s, %(description)s, %(version)s, %(created_at)s, %(updated_at)s)
ON CONFLICT (name_key) DO NOTHING
RETURNING id

-- name: lock
-- What it carries is a statement of its own, after the wait for the lock: it sees what the one before has committed.
SELECT id FROM revenge.groups WHERE id = %(id)s FOR NO KEY UPDATE

-- name: by_id
SELECT id, name, name_key, description, version, created_at, updated_at,
       ARRAY(SELECT role FROM revenge.group_roles WHERE group_id = groups.id) AS roles
  FROM revenge.groups
 WHERE id = %(id)s

-- name: update
UPDATE revenge.groups
   SET name = %(name)s, name_key = %(name_key)s, description = %(description)s, version = %(version)s,
       created_at = %(created_at)s, updated_at = %(updated_at)s
 WHERE id = %(id)s

-- name: delete
DELETE FROM revenge.groups WHERE id = %(id)s

-- name: drop_roles
DELETE FROM revenge.group_roles WHERE group_id = %(id)s AND role <> ALL(%(roles)s::text[])

-- name: known_roles
-- In order, and so that nobody deletes them before this is committed.
SELECT name FROM revenge.roles WHERE name = ANY(%(roles)s::text[]) ORDER BY name FOR KEY SHARE

-- name: carry
INSERT INTO revenge.group_roles (group_id, role)
SELECT %(id)s, unnest(%(roles)s::text[])
ON CONFLICT DO NOTHING

-- name: add_member
INSERT INTO revenge.group_members (group_id, user_id, source, added_at, added_by)
VALUES (%(group_id)s, %(user_id)s, %(source)s, %(added_at)s, %(added_by)s)
ON CONFLICT DO NOTHING

-- name: remove_member
DELETE FROM revenge.group_members
 WHERE group_id = %(group_id)s AND user_id = %(user_id)s AND (%(source)s::text IS NULL OR source = %(source)s)

-- name: carrying
SELECT group_id FROM revenge.group_roles WHERE role = %(role)s ORDER BY group_id

-- name: find
SELECT id, name, name_key, description, version, created_at, updated_at,
       ARRAY(SELECT role FROM revenge.group_roles WHERE group_id = groups.id) AS roles
  FROM revenge.groups
 ORDER BY name_key
 LIMIT %(limit)s OFFSET %(offset)s

-- name: count
SELECT count(*) FROM revenge.groups

-- name: members
SELECT users.id AS user_id, username
  FROM revenge.users
 WHERE deleted_at IS NULL
   AND EXISTS (SELECT FROM revenge.group_members WHERE group_id = %(group_id)s AND user_id = users.id)
 ORDER BY username_key
 LIMIT %(limit)s OFFSET %(offset)s

-- name: count_members
SELECT count(DISTINCT user_id)
  FROM revenge.group_members
  JOIN revenge.users ON users.id = user_id
 WHERE group_id = %(group_id)s AND deleted_at IS NULL

-- name: memberships
SELECT group_id, user_id, source, added_at, added_by
  FROM revenge.group_members
 WHERE group_id = %(group_id)s AND user_id = ANY(%(ids)s::text::uuid[])
 ORDER BY user_id, source

-- name: of_user
SELECT group_id, name AS group_name, source, added_at AS since
  FROM revenge.group_members
  JOIN revenge.groups ON groups.id = group_id
 WHERE user_id = %(user_id)s
 ORDER BY name_key, source
