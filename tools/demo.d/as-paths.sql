-- Traffic of the last hour per AS path, and its share.
SELECT
	as_path_text AS as_path,
	printf('%.1f', sum(bytes) / 1e6) AS megabytes,
	printf('%.1f %%', 100.0 * sum(bytes) / (SELECT sum(bytes) FROM acct WHERE stamp_inserted >= datetime('now', 'localtime', '-1 hour')))
		AS share,
	sum(flows) AS flows
FROM (SELECT *, CASE as_path WHEN '' THEN '(no route)' ELSE as_path END AS as_path_text FROM acct)
WHERE stamp_inserted >= datetime('now', 'localtime', '-1 hour')
GROUP BY as_path_text
ORDER BY sum(bytes) DESC
LIMIT 10;
