-- name: example
SELECT 1
