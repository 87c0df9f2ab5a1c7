-- SQLite: the heartbeats of a day file as rows of scale.beat.
SELECT date(m.value, 'unixepoch'), m.value * 1000 + n.at / 1000, s.identity, n.boot, w.value ->> '$.worker',
	w.value ->> '$.seq', w.value ->> '$.dropped', ifnull(w.value ->> '$.left_out', 0)
FROM note AS n, json_each(n.extra, '$.workers') AS w
JOIN sensor AS s ON s.id = n.sensor
JOIN meta AS m ON m.key = 'day'
WHERE n.former = 0 AND json_valid(n.extra);
