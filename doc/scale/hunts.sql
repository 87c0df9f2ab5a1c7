-- The hunts of `verdictctl hunt` over tables.sql. What is asked for stands behind each WITH.
-- Run: ClickHouse 18.16.1, all of them, on a week of two resolvers from day files (day-*.sql).

-- domain: who asked for it or for anything below it, and what was decided
WITH 'net.doubleclick' AS wanted
SELECT client, min(ms) AS first, max(ms) AS last, count() AS answers, groupUniqArray(verdict) AS verdicts,
	groupUniqArray(list) AS lists
FROM scale.event FINAL
WHERE name >= wanted AND name < concat(wanted, '/') AND (name = wanted OR substring(name, length(wanted) + 1, 1) = '.')
GROUP BY client ORDER BY answers DESC, client LIMIT 100;

-- domain, its records
WITH 'com.google' AS wanted
SELECT name, type, data, min(first) AS first, max(last) AS last, sum(count) AS answers
FROM scale.record FINAL
WHERE name >= wanted AND name < concat(wanted, '/') AND (name = wanted OR substring(name, length(wanted) + 1, 1) = '.')
GROUP BY name, type, data ORDER BY answers DESC, name, type, data LIMIT 100;

-- ip: names that led to an address, or to a network of whole hexadecimal digits (2001:db8::/32 is '20010db8')
WITH '08080808' AS wanted
SELECT name, data, min(first) AS first, max(last) AS last, sum(count) AS answers
FROM scale.record_by_data FINAL
WHERE data >= wanted AND data < concat(wanted, 'g') AND type IN (1, 28)
GROUP BY name, data ORDER BY answers DESC, name, data LIMIT 100;

-- host: what a client asked for, rare names first
WITH '0a14010b' AS wanted
SELECT name, minMerge(first) AS first, maxMerge(last) AS last, uniqMerge(count) AS answers,
	groupUniqArray(verdict) AS verdicts, any(clients) AS clients
FROM scale.pair ANY LEFT JOIN (SELECT name, uniq(client) AS clients FROM scale.pair GROUP BY name) USING (name)
WHERE client = wanted
GROUP BY name ORDER BY clients, first, name LIMIT 100;

-- changes: each record of a name, and when it came and went
WITH 'com.google.www' AS wanted
SELECT type, data, min(first) AS first, max(last) AS last, sum(count) AS answers, max(ttl) AS ttl
FROM scale.record FINAL WHERE name = wanted
GROUP BY type, data ORDER BY type, first, data;

-- rule
WITH 'ads' AS wanted
SELECT rule, verdict, count() AS hits, uniqExact(client) AS clients, uniqExact(name) AS names, min(ms) AS first,
	max(ms) AS last
FROM scale.event FINAL WHERE list = wanted
GROUP BY rule, verdict ORDER BY hits DESC, rule LIMIT 100;

-- technique
WITH ' T1071.004 ' AS wanted
SELECT domain, list, detectors, count() AS hits, uniqExact(client) AS clients, min(ms) AS first, max(ms) AS last
FROM scale.event FINAL WHERE position(techniques, wanted) > 0
GROUP BY domain, list, detectors ORDER BY hits DESC, domain LIMIT 100;

-- incident: BOOT.WORKER.SEQ of the EDE text; with its day, where that is known (AND day = ...)
SELECT * FROM scale.event FINAL WHERE boot = '691000000001' AND worker = 1 AND seq = 17;

-- new: domains that were asked for since a moment, and never before
WITH toUInt64(1762905600) * 1000 AS since
SELECT domain, min(ms) AS first, uniqExact(client) AS clients, count() AS answers
FROM scale.event FINAL WHERE domain != ''
GROUP BY domain HAVING first >= since ORDER BY clients DESC, answers DESC, domain LIMIT 100;

-- top
SELECT client, uniqMerge(count) AS answers, uniq(name) AS names FROM scale.pair
GROUP BY client ORDER BY answers DESC, client LIMIT 20;

-- coverage: since the first that came; missing and not dropped or left out is lost
SELECT resolver, boot, worker, received, first_seq, greatest(last_seq, said) AS expected_to,
	greatest(last_seq, said) - first_seq + 1 - received AS missing, dropped, left_out
FROM
(
	SELECT resolver, boot, worker, uniqExact(seq) AS received, min(seq) AS first_seq, max(seq) AS last_seq
	FROM scale.event WHERE boot != '' GROUP BY resolver, boot, worker
)
ANY LEFT JOIN
(
	SELECT resolver, boot, worker, max(seq) AS said, max(dropped) AS dropped, max(left_out) AS left_out
	FROM scale.beat GROUP BY resolver, boot, worker
) USING (resolver, boot, worker)
ORDER BY resolver, boot, worker;
