-- name: vitals
-- What is told here decides nothing. A role without pg_read_all_stats sees its own transactions only.
SELECT coalesce(
           (SELECT extract(epoch FROM clock_timestamp() - min(xact_start))
              FROM pg_catalog.pg_stat_activity
             WHERE backend_xmin IS NOT NULL),
           0
       )::double precision AS oldest_transaction,
       coalesce(
           (SELECT n_dead_tup FROM pg_catalog.pg_stat_all_tables WHERE relid = to_regclass('revenge.jobs')), 0
       ) AS dead_jobs
