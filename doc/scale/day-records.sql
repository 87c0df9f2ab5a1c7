-- SQLite: the passive DNS of a day file as rows of scale.record.
SELECT date(m.value, 'unixepoch'), replace(p.rrname, '\', '\\'), p.rrtype, lower(hex(p.rdata)), p.sensor, p.ttl,
	m.value * 1000 + p.first, m.value * 1000 + p.last, p.count
FROM pdns AS p JOIN meta AS m ON m.key = 'day';
