-- What `verdictctl hunt --store clickhouse:URL` asks over tables.sql: this file is compiled in.
--
-- Run: ClickHouse 18.16.1. It has no query parameters, so :name is put in by verdictctl: numbers, and any text as
-- unhex('...'). By hand: :from_us 0, :to_us 9000000000000000000, :first_day 0 and :last_day 65535 mean all times; what is
-- below a name lies between 'com.example.' and 'com.example/', the name itself between 'com.example' and 'com.example!'.
-- Of HTTPS and SVCB records (64, 65), ip.* give all that have the digits of the address somewhere; verdictctl reads their
-- hints, and leaves out what has none of them.

-- version: are these the tables?
SELECT version, application FROM scale.version;

-- files: day files that the window touches
SELECT toUInt16(day), class FROM
(
	SELECT day, class FROM scale.source WHERE day >= toDate(:first_day) AND day <= toDate(:last_day) UNION ALL
	SELECT day, class FROM scale.note WHERE day >= toDate(:first_day) AND day <= toDate(:last_day)
)
GROUP BY day, class;

-- domain.hits: who asked for the name or what is below it, and what was decided
SELECT name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND name >= :low AND name < :high
GROUP BY name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors;

-- domain.records: what came back
SELECT record, max(upstream), intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM (SELECT arrayJoin(records) AS record, upstream, at FROM scale.event FINAL WHERE at >= :from_us AND at
	<= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day) AND name >= :low AND name < :high)
GROUP BY record;

-- domain.servers: its name servers, and those of what is above it
SELECT name, data, max(ttl), min(first), max(last), sum(count)
FROM scale.record FINAL
WHERE type = 2 AND last >= :from AND first <= :to AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND ((name >= :low AND name < :high) OR name IN
	(SELECT arrayJoin(arrayMap(n -> arrayStringConcat(arraySlice(splitByChar('.', :self), 1, n), '.'),
		arrayFilter(n -> n > 1, arrayEnumerate(splitByChar('.', :self)))))))
GROUP BY name, data;

-- domain.events: each answer
SELECT at, client, name, type, rcode, verdict, list, shadow_list, detectors, path, resolver, boot, worker, seq
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day) AND name >=
	:low AND name < :high;

-- ip.names: names that led there, and by what; an answer of the day counts with all its times of that day
SELECT name, led, intDiv(min(since), 1000), intDiv(max(until), 1000), sum(times)
FROM
(
	SELECT name, arrayStringConcat(arrayFilter(r -> (splitByChar(' ', r)[2] = toString(:type) AND splitByChar(' ', r)[4] >= :low
			AND splitByChar(' ', r)[4] <= :high)
			OR (splitByChar(' ', r)[2] = '28' AND splitByChar(' ', r)[4] >= :mapped_low
			AND splitByChar(' ', r)[4] <= :mapped_high)
			OR (splitByChar(' ', r)[2] IN ('64', '65')
			AND (:digits = '' OR position(splitByChar(' ', r)[4], :digits) > 0)), records), ',') AS led,
		since, until, times
	FROM
	(
		SELECT name, records, min(at) AS since, max(at) AS until, count() AS times
		FROM scale.event FINAL
		WHERE day >= toDate(:first_day) AND day <= toDate(:last_day)
			AND name IN (SELECT name FROM scale.answer WHERE ((type = :type AND data >= :low AND data <= :high)
					OR (type = 28 AND data >= :mapped_low AND data <= :mapped_high)
					OR (type IN (64, 65) AND (:digits = '' OR position(data, :digits) > 0)))
				AND day >= toDate(:first_day) AND day <= toDate(:last_day))
		GROUP BY day, class, resolver, name, type, qclass, flags, rcode, upstream, decided, records
		HAVING since < :to_us + 1 AND until >= :from_us
	)
)
WHERE led != ''
GROUP BY name, led;

-- ip.hits: who asked for these names
SELECT name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND name IN (SELECT name FROM
		(
			SELECT name, records, min(at) AS since, max(at) AS until
			FROM scale.event FINAL
			WHERE day >= toDate(:first_day) AND day <= toDate(:last_day)
				AND name IN (SELECT name FROM scale.answer
					WHERE ((type = :type AND data >= :low AND data <= :high)
						OR (type = 28 AND data >= :mapped_low AND data <= :mapped_high)
						OR (type IN (64, 65) AND (:digits = '' OR position(data, :digits) > 0)))
					AND day >= toDate(:first_day) AND day <= toDate(:last_day))
			GROUP BY day, class, resolver, name, type, qclass, flags, rcode, upstream, decided, records
			HAVING since < :to_us + 1 AND until >= :from_us
		)
		WHERE arrayExists(r -> (splitByChar(' ', r)[2] = toString(:type) AND splitByChar(' ', r)[4] >= :low
				AND splitByChar(' ', r)[4] <= :high)
				OR (splitByChar(' ', r)[2] = '28' AND splitByChar(' ', r)[4] >= :mapped_low
				AND splitByChar(' ', r)[4] <= :mapped_high)
				OR (splitByChar(' ', r)[2] IN ('64', '65')
				AND (:digits = '' OR position(splitByChar(' ', r)[4], :digits) > 0)), records))
GROUP BY name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors;

-- ip.owners: passive DNS
SELECT name, type, data, max(ttl), min(first), max(last), sum(count)
FROM scale.record_by_data FINAL
WHERE ((type = :type AND data >= :low AND data <= :high)
	OR (type = 28 AND data >= :mapped_low AND data <= :mapped_high)
	OR (type IN (64, 65) AND (:digits = '' OR position(data, :digits) > 0)))
	AND last >= :from AND first <= :to AND day >= toDate(:first_day) AND day <= toDate(:last_day)
GROUP BY name, type, data;

-- host.hits: what clients asked for, and what was decided
SELECT name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND client >= :low AND client <= :high AND length(client) = 2 * :octets
	AND name IN (SELECT name FROM scale.pair WHERE client >= :low AND client <= :high AND length(client) = 2
		* :octets AND day >= toDate(:first_day) AND day <= toDate(:last_day))
GROUP BY name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors;

-- host.askers: who else asked for these names; a few are enough to know that one is not rare
SELECT name, client
FROM
(
	SELECT name, client FROM scale.event FINAL
	WHERE day >= toDate(:first_day) AND day <= toDate(:last_day) AND client != ''
		AND name IN (SELECT name FROM scale.pair WHERE client >= :low AND client <= :high AND length(client)
			= 2 * :octets AND day >= toDate(:first_day) AND day <= toDate(:last_day))
	GROUP BY day, class, name, client, decided HAVING min(at) < :to_us + 1 AND max(at) >= :from_us
)
GROUP BY name, client ORDER BY name, client LIMIT 5 BY name;

-- host.old: which of these names were asked for before
SELECT name, count()
FROM scale.event
WHERE day <= toDate(:last_day) AND at < :begin_us
	AND name IN (SELECT name FROM scale.pair WHERE client >= :low AND client <= :high AND length(client) = 2
		* :octets AND day >= toDate(:first_day) AND day <= toDate(:last_day))
GROUP BY name;

-- host.events: each answer
SELECT at, client, name, type, rcode, verdict, list, shadow_list, detectors, path, resolver, boot, worker, seq
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day) AND client
	>= :low AND client <= :high AND length(client) = 2 * :octets
	AND name IN (SELECT name FROM scale.pair WHERE client >= :low AND client <= :high AND length(client) = 2
		* :octets AND day >= toDate(:first_day) AND day <= toDate(:last_day));

-- changes.sets: record sets of each day
SELECT name, type, rcode, verdict, list, shadow_list, detectors, arrayStringConcat(records, ','),
	day - toDate(0), intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND name >= :low AND name < :high
GROUP BY day, name, type, rcode, verdict, list, shadow_list, detectors, records;

-- changes.pieces: their records
SELECT name, type, record, intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM (SELECT name, type, arrayJoin(records) AS record, at FROM scale.event FINAL WHERE at >= :from_us AND at
	<= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day) AND name >= :low AND name < :high)
GROUP BY name, type, record;

-- changes.totals: answers of each day, in the window or not
SELECT name, day - toDate(0), count()
FROM scale.event FINAL
WHERE day >= toDate(:first_day) AND day <= toDate(:last_day) AND name >= :low AND name < :high
GROUP BY name, day;

-- changes.answers: each answer of names and days whose sets overlap
SELECT name, type, resolver, rcode, verdict, list, shadow_list, detectors, arrayStringConcat(records, ','),
	day - toDate(0), at
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND (name, toUInt16(day)) IN (:numbers);

-- rule.hits: what a list or a rule decided, or would have in shadow
SELECT name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND ((list = :list AND (:whole = 1 OR rule = :rule)) OR (shadow_list = :list AND (:whole = 1 OR
		shadow_rule = :rule)))
GROUP BY name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors;

-- technique.hits: what bears an ATT&CK id
SELECT name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND (position(techniques, :exact) > 0 OR (:below != '' AND position(techniques, :below) > 0))
GROUP BY name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors;

-- incident.event: the answer of a number; --from and --to make it quick
SELECT at, resolver, client, name, type, qclass, rcode, path, transport, latency_us, score, verdict, list, rule,
	trigger, category, techniques, chain, serial, ede, grp, shadow_list, shadow_rule, shadow_action,
		detectors, detections,
	arrayStringConcat(records, ',')
FROM scale.event FINAL
WHERE boot = :boot AND worker = :worker AND seq = :seq AND day >= toDate(:first_day) AND day <=
	toDate(:last_day);

-- incident.hits: who asked for that name at all
SELECT name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND name IN (SELECT name FROM scale.event WHERE boot = :boot AND worker = :worker AND seq = :seq AND day
		>= toDate(:first_day) AND day <= toDate(:last_day))
GROUP BY name, client, verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule,
	shadow_action, detectors;

-- incident.around: the minute before and behind it
SELECT at, client, name, type, rcode, verdict, list, shadow_list, detectors, path, resolver, boot, worker, seq
FROM scale.event FINAL
WHERE day >= toDate(:first_day) AND day <= toDate(:last_day) AND client != ''
	AND client = (SELECT any(client) FROM scale.event WHERE boot = :boot AND worker = :worker AND seq = :seq
		AND day >= toDate(:first_day) AND day <= toDate(:last_day))
	AND at >= intDiv((SELECT min(at) FROM scale.event WHERE boot = :boot AND worker = :worker AND seq = :seq
		AND day >= toDate(:first_day) AND day <= toDate(:last_day)), 1000) * 1000 - 60000000
	AND at <= intDiv((SELECT min(at) FROM scale.event WHERE boot = :boot AND worker = :worker AND seq = :seq
		AND day >= toDate(:first_day) AND day <= toDate(:last_day)), 1000) * 1000 + 60000000;

-- new.domains: domains that nobody asked for before
SELECT domain, intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day) AND domain
	!= ''
	AND domain NOT IN
	(
		SELECT arrayJoin(arrayMap(n -> arrayStringConcat(arraySlice(splitByChar('.', if(domain = '', name,
			domain)), 1, n), '.'),
			arrayEnumerate(splitByChar('.', if(domain = '', name, domain)))))
		FROM scale.event WHERE day <= toDate(:last_day) AND at < :begin_us GROUP BY name, domain
	)
GROUP BY domain;

-- new.clients: who asks for them
SELECT of, client
FROM
(
	SELECT client, arrayJoin(arrayMap(n -> arrayStringConcat(arraySlice(splitByChar('.', if(domain = '',
		name, domain)), 1, n), '.'),
		arrayEnumerate(splitByChar('.', if(domain = '', name, domain))))) AS of
	FROM scale.event WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <=
		toDate(:last_day) AND client != '' GROUP BY name, domain, client
)
WHERE of IN (SELECT domain FROM scale.event WHERE at >= :from_us AND at <= :to_us AND day >=
	toDate(:first_day) AND day <= toDate(:last_day) AND domain != '')
	AND of NOT IN
	(
		SELECT arrayJoin(arrayMap(n -> arrayStringConcat(arraySlice(splitByChar('.', if(domain = '', name,
			domain)), 1, n), '.'),
			arrayEnumerate(splitByChar('.', if(domain = '', name, domain)))))
		FROM scale.event WHERE day <= toDate(:last_day) AND at < :begin_us GROUP BY name, domain
	)
GROUP BY of, client;

-- new.servers: name servers that no zone had before
SELECT data, min(owner), max(owners), min(since), max(until), sum(times)
FROM
(
	SELECT data, min(name) AS owner, uniqExact(name) AS owners, min(first) AS since, max(last) AS until,
		sum(count) AS times
	FROM scale.record_by_data FINAL
	WHERE type = 2 AND last >= :from AND first <= :to AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	GROUP BY day, class, data
)
WHERE data NOT IN
	(SELECT data FROM scale.record_by_data WHERE type = 2 AND day <= toDate(:last_day) AND first < :begin)
GROUP BY data;

-- top.names: the most of all
SELECT name AS value, intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND NOT (name = '' AND type = 0 AND qclass = 0)
GROUP BY value;

-- top.domains: the most of all
SELECT domain AS value, intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND domain != ''
GROUP BY value;

-- top.clients: the most of all
SELECT client AS value, intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND client != ''
GROUP BY value;

-- top.rules: the most of all
SELECT concat(list, if(list = '', '', unhex('3a')), rule) AS value, intDiv(min(at), 1000), intDiv(max(at),
	1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND concat(list, rule) != ''
GROUP BY value;

-- top.verdicts: the most of all
SELECT if(verdict = '', '-', verdict) AS value, intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND 1 = 1
GROUP BY value;

-- top.techniques: the most of all
SELECT arrayJoin(splitByChar(' ', substring(techniques, 2, length(techniques) - 2))) AS value,
	intDiv(min(at), 1000), intDiv(max(at), 1000), count()
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
	AND length(techniques) > 2 AND match(techniques, '^[A-Z0-9. ]*$')
GROUP BY value;

-- coverage.sources: workers, and what they say
SELECT resolver, boot, worker, min(first), max(last), sum(frames), sum(duplicates), max(dropped), max(left_out)
FROM scale.source FINAL
WHERE day >= toDate(:first_day) AND day <= toDate(:last_day)
GROUP BY resolver, boot, worker;

-- coverage.seen: which numbers came
SELECT resolver, boot, worker, block, bits
FROM scale.seen FINAL
WHERE day >= toDate(:first_day) AND day <= toDate(:last_day) AND length(bits) = 2048;

-- coverage.notes: heartbeats
SELECT resolver, boot, worker, former, number, intDiv(at, 1000), extra
FROM scale.note FINAL
WHERE day >= toDate(:first_day) AND day <= toDate(:last_day)
ORDER BY day, class, resolver, boot, former, worker, number;

-- coverage.past: what these said on the days before
SELECT resolver, boot, worker, max(dropped), max(left_out)
FROM scale.source FINAL
WHERE day < toDate(:first_day) AND boot IN (SELECT boot FROM scale.source WHERE day >= toDate(:first_day)
	AND day <= toDate(:last_day) UNION ALL SELECT boot FROM scale.note WHERE day >= toDate(:first_day)
	AND day <= toDate(:last_day)) AND boot <> ''
GROUP BY resolver, boot, worker;

-- coverage.past_seen: how far they were
SELECT resolver, boot, worker, block, bits
FROM scale.seen FINAL
WHERE day < toDate(:first_day) AND boot IN (SELECT boot FROM scale.source WHERE day >= toDate(:first_day)
	AND day <= toDate(:last_day) UNION ALL SELECT boot FROM scale.note WHERE day >= toDate(:first_day)
	AND day <= toDate(:last_day)) AND length(bits) = 2048
	AND (resolver, boot, worker, block) IN (SELECT resolver, boot, worker, max(block) FROM scale.seen
		WHERE day < toDate(:first_day) GROUP BY resolver, boot, worker);

-- coverage.past_notes: their last heartbeats
SELECT resolver, boot, extra
FROM scale.note FINAL
WHERE day < toDate(:first_day) AND boot IN (SELECT boot FROM scale.source WHERE day >= toDate(:first_day)
	AND day <= toDate(:last_day) UNION ALL SELECT boot FROM scale.note WHERE day >= toDate(:first_day)
	AND day <= toDate(:last_day))
	AND former = 0 AND (resolver, boot, number) IN (SELECT resolver, boot, max(number) FROM scale.note
		WHERE former = 0 AND day < toDate(:first_day) GROUP BY resolver, boot);

-- coverage.moments: when the frames on both sides of gaps came
SELECT resolver, boot, worker, seq, intDiv(min(at), 1000)
FROM scale.event
WHERE day >= toDate(:first_day) AND day <= toDate(:last_day) AND (boot, worker, seq) IN (:numbers)
GROUP BY resolver, boot, worker, seq;

-- export.cof: passive DNS
SELECT name, type, data, resolver, min(first), max(last), sum(count)
FROM scale.record FINAL
WHERE last >= :from AND first <= :to AND day >= toDate(:first_day) AND day <= toDate(:last_day)
GROUP BY name, type, data, resolver;

-- export.events: each answer
SELECT day - toDate(0), class, at, resolver, boot, worker, seq, id, client, name, domain, type, qclass,
	flags, rcode,
	path, transport, latency_us, upstream, arrayStringConcat(records, ','), verdict, list, rule, trigger,
		category, techniques,
	chain, serial, ede, grp, privacy, shadow_list, shadow_rule, shadow_action, shadow_category, detectors,
		score, detections
FROM scale.event FINAL
WHERE at >= :from_us AND at <= :to_us AND day >= toDate(:first_day) AND day <= toDate(:last_day)
ORDER BY day, class, at, resolver, boot, worker, seq, id;
