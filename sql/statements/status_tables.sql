-- params: none
-- Each table, with its partitions. Rows as they were estimated last.
SELECT coalesce(parent.relname, c.relname) AS name, count(parent.oid) AS partitions, sum(greatest(c.reltuples, 0))::bigint AS rows,
       sum(pg_table_size(c.oid))::bigint AS table_bytes, sum(pg_indexes_size(c.oid))::bigint AS index_bytes,
       pg_size_pretty(sum(pg_table_size(c.oid))) AS table_size, pg_size_pretty(sum(pg_indexes_size(c.oid))) AS index_size
FROM pg_class c
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
GROUP BY 1
ORDER BY sum(pg_total_relation_size(c.oid)) DESC, 1
