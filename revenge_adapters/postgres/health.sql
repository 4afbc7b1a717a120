-- name: server
SELECT current_setting('server_version') AS version, current_setting('transaction_read_only') = 'on' AS read_only
