-- name: samples
-- Of all who hold the same roles one: what the index says, it says of a set of roles.
SELECT min(user_id::text)::uuid AS user_id, roles
  FROM (
      SELECT user_id, array_agg(DISTINCT role ORDER BY role) AS roles FROM revenge.held_roles GROUP BY user_id
  ) AS held
 GROUP BY roles
 ORDER BY roles
 LIMIT %(limit)s

-- name: grants
SELECT DISTINCT user_id AS holder, role AS held FROM revenge.user_roles WHERE user_id = ANY(%(ids)s::text::uuid[])

-- name: members
SELECT DISTINCT user_id AS holder, group_id AS held
  FROM revenge.group_members
 WHERE user_id = ANY(%(ids)s::text::uuid[])

-- name: carried
SELECT group_id AS holder, role AS held FROM revenge.group_roles
