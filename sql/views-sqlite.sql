-- Views for the usual questions, over the table acct that flowribd makes in an SQLite database:
--   sqlite3 traffic.db < views-sqlite.sql
-- A view answers when the aggregate has the columns it names, and time bins: sql_history: 5m, sql_history_roundoff: m.
-- For another table, replace "FROM acct".

-- aggregate: as_path
DROP VIEW IF EXISTS traffic_per_as_path;
CREATE VIEW traffic_per_as_path AS
SELECT date(stamp_inserted) AS day, as_path, sum(bytes) AS bytes, sum(packets) AS packets
FROM acct
GROUP BY 1, 2;

-- aggregate: peer_src_as, peer_dst_as
DROP VIEW IF EXISTS traffic_per_peer_as;
CREATE VIEW traffic_per_peer_as AS
SELECT day, peer_as, sum(bytes_in) AS bytes_in, sum(bytes_out) AS bytes_out
FROM (
	SELECT date(stamp_inserted) AS day, peer_as_src AS peer_as, bytes AS bytes_in, 0 AS bytes_out FROM acct
	UNION ALL
	SELECT date(stamp_inserted), peer_as_dst, 0, bytes FROM acct
)
GROUP BY 1, 2;

-- any aggregate
DROP VIEW IF EXISTS traffic_per_hour;
CREATE VIEW traffic_per_hour AS
SELECT strftime('%Y-%m-%d %H:00:00', stamp_inserted) AS hour, sum(bytes) AS bytes, sum(packets) AS packets,
	sum(bytes) * 8 / 3600.0 AS bits_per_second
FROM acct
GROUP BY 1;

-- aggregate: peer_src_ip, in_iface, out_iface; sql_history: 5m
-- Bits per second, the 95th percentile of the five-minute means of a month: the highest twentieth of all bins of the
-- month is left out, and the next one counts. A bin in which an interface had no traffic counts as 0.
DROP VIEW IF EXISTS interface_95th_percentile;
CREATE VIEW interface_95th_percentile AS
WITH one_way AS (
	SELECT stamp_inserted, peer_ip_src, iface_in AS iface, 'in' AS direction, bytes FROM acct
	UNION ALL
	SELECT stamp_inserted, peer_ip_src, iface_out, 'out', bytes FROM acct
), mean AS (
	SELECT strftime('%Y-%m', stamp_inserted) AS month, peer_ip_src, iface, direction, sum(bytes) * 8 / 300.0 AS bits_per_second
	FROM one_way
	GROUP BY stamp_inserted, peer_ip_src, iface, direction
), ranked AS (
	SELECT *, row_number() OVER (PARTITION BY month, peer_ip_src, iface, direction ORDER BY bits_per_second DESC) AS place
	FROM mean
), bins AS (
	SELECT strftime('%Y-%m', stamp_inserted) AS month, count(DISTINCT stamp_inserted) AS n FROM acct GROUP BY 1
)
SELECT month, peer_ip_src, iface, direction, max(CASE WHEN place = n / 20 + 1 THEN bits_per_second ELSE 0 END) AS bits_per_second
FROM ranked JOIN bins USING (month)
GROUP BY 1, 2, 3, 4;
