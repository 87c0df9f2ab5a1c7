-- Five pivots over tables.sql. Parameters: `clickhouse client --param_domain=evil.example ...`, or SET as here.
-- Run:     ClickHouse 26.7 (chdb), all five, see tables.sql. Written from documentation: the client's --param_.

SET param_domain = 'n.example';
SET param_address = '192.0.2.80';
SET param_name = 'www.example';
SET param_hours = '24';

-- 1. Which clients asked for a domain, or anything below it?
SELECT replaceOne(toString(client), '::ffff:', '') AS client, any(client_group) AS client_group, min(time) AS first,
	max(time) AS last, count() AS questions, uniqExact(qname) AS names, groupUniqArray(verdict) AS verdicts
FROM verdict.answer FINAL
WHERE (qname_key = arrayStringConcat(arrayReverse(splitByChar('.', {domain:String})), '.')
		OR startsWith(qname_key, concat(arrayStringConcat(arrayReverse(splitByChar('.', {domain:String})), '.'), '.')))
	AND time > now() - toIntervalHour({hours:UInt32})
GROUP BY client
ORDER BY questions DESC, client
LIMIT 100;

-- 2. Which names led to an address?
SELECT name, type, min(first) AS first, max(last) AS last, sum(count) AS answers
FROM verdict.record
WHERE data = {address:String}
GROUP BY name, type
ORDER BY answers DESC, name, type
LIMIT 100;

-- 3. What did a name lead to, and when did that change?
SELECT type, data, min(first) AS first, max(last) AS last, sum(count) AS answers
FROM verdict.record
WHERE name = {name:String}
GROUP BY type, data
ORDER BY type, first, data;

-- 4. Who is denied most, and by which list?
SELECT list, replaceOne(toString(client), '::ffff:', '') AS client, count() AS denials, uniqExact(qname) AS names,
	topK(3)(qname) AS most, groupUniqArrayArray(attack) AS attack, max(time) AS last, argMax(incident, time) AS last_incident
FROM verdict.answer FINAL
WHERE incident != '' AND time > now() - toIntervalHour({hours:UInt32})
GROUP BY list, client
ORDER BY denials DESC, list, client
LIMIT 100;

-- 5. Is anything missing? With `frames: all`, missing is what neither came nor was counted: 0 is proof. `open` came after
--    the last heartbeat and is not yet vouched for.
SELECT came.identity AS identity, came.boot AS boot, came.worker AS worker, frames, first_seq, said.seq AS heartbeat_seq,
	said.dropped AS dropped, said.lost AS lost,
	toInt64(said.seq) - toInt64(first_seq) + 1 - toInt64(up_to) - toInt64(said.dropped) AS missing, frames - up_to AS open,
	damaged
FROM
(
	SELECT any(answer.identity) AS identity, boot, worker, uniqExact(seq) AS frames, min(answer.seq) AS first_seq,
		uniqExactIf(answer.seq, answer.seq <= beat.seq) AS up_to
	FROM verdict.answer
	LEFT JOIN (SELECT boot, worker, max(seq) AS seq FROM verdict.heartbeat GROUP BY boot, worker) AS beat USING (boot, worker)
	GROUP BY boot, worker
) AS came
LEFT JOIN
(
	SELECT boot, worker, max(seq) AS seq, max(dropped) AS dropped, max(lost) AS lost, max(damaged) AS damaged
	FROM verdict.heartbeat
	GROUP BY boot, worker
) AS said USING (boot, worker)
ORDER BY identity, boot, worker;
