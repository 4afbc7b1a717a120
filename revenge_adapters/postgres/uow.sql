-- name: publish
-- The last statement before COMMIT: it takes the lock under which numbers become visible in order (rulings R25).
SELECT revenge.publish_changes(%(topics)s::text::text[], %(keys)s::text::text[])

-- name: trim
SELECT revenge.trim_changes(%(before)s)
