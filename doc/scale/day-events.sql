-- SQLite: the events of a day file as rows of scale.event, separated by tabs.
SELECT date(m.value, 'unixepoch'), m.value * 1000 + e.at / 1000, s.identity, o.boot, o.worker, e.seq,
	ifnull(lower(hex(c.address)), ''), replace(ifnull(n.key, ''), '\', '\\'), replace(ifnull(d.key, ''), '\', '\\'),
	r.type, r.rcode, e.path, e.latency, v.verdict, replace(v.list, '\', '\\'), replace(v.rule, '\', '\\'),
	replace(v.category, '\', '\\'), replace(v.techniques, '\', '\\'), replace(v.detectors, '\', '\\'),
	replace(v.shadow_list, '\', '\\'), v.shadow_action
FROM event AS e
JOIN reply AS r ON r.id = e.reply
JOIN verdict AS v ON v.id = r.verdict
JOIN source AS o ON o.id = e.source
JOIN sensor AS s ON s.id = o.sensor
JOIN meta AS m ON m.key = 'day'
LEFT JOIN client AS c ON c.id = e.client
LEFT JOIN name AS n ON n.id = r.name
LEFT JOIN name AS d ON d.id = n.domain
ORDER BY n.key;
