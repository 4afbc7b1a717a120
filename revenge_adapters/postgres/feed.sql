-- name: poll
-- One row: the database's time, which feed this is, how far it was trimmed, and what came after the cursor.
-- A restore brings the incarnation back, and a standby has the same one: when the server started and which file the
-- changes are in tells such histories apart, also where their numbers have caught up with ours meanwhile.
-- clock_timestamp() is right here: this statement is where the production clock learns the time (rulings R26).
SELECT clock_timestamp() AS now,
       concat_ws(
           ' ', identity.incarnation, extract(epoch FROM pg_postmaster_start_time()),
           pg_relation_filenode('revenge.changes')
       ) AS lineage,
       identity.trimmed_to,
       coalesce((SELECT max(number) FROM revenge.changes), identity.trimmed_to) AS newest,
       news.numbers,
       news.topics,
       news.keys
  FROM revenge.feed_identity AS identity,
       LATERAL (
           SELECT coalesce(array_agg(number ORDER BY number), '{}') AS numbers,
                  coalesce(array_agg(topic ORDER BY number), '{}') AS topics,
                  coalesce(array_agg(key ORDER BY number), '{}') AS keys
             FROM revenge.changes
            WHERE number > %(cursor)s
       ) AS news
