-- Tables for more than one machine keeps: the events and sums of day files (store/store.h), of all collectors together.
--
-- Run: ClickHouse 18.16.1 (Debian 12), all of it, over HTTP. It has no TTL, which README.md adds for later ones.
--
-- `day` and `class` say which day file a row is of: class 0 plain, 1 verdicts. Moments are since 1970, `at` in
-- microseconds, others in milliseconds. Names are keys as in day files (labels reversed: 'com.example.www'), so that a
-- domain and all below it lie together. Addresses and record data are octets in hexadecimal digits.
--
-- Filled by `verdictctl hunt export clickhouse-TABLE`. A file that comes twice is merged into one; FINAL does it at once.

CREATE DATABASE IF NOT EXISTS scale;

-- What these tables are: `verdictctl hunt` asks it first.
CREATE VIEW IF NOT EXISTS scale.version AS SELECT 2 AS version, 'unbound-verdict' AS application;

-- One row for each answer. `id` tells those apart that have no number. Each of `records` is one record of the answer:
-- 'com.example.www 1 300 c0000201', owner, type, the highest TTL of that day, data.
CREATE TABLE IF NOT EXISTS scale.event
(
	day Date,
	class UInt8,
	at Int64,
	resolver String,
	boot String,
	worker UInt32,
	seq UInt64,
	id UInt64,
	client String,
	name String,
	domain String,
	type UInt16,
	qclass UInt16,
	flags UInt16,
	rcode Int16,
	path UInt8,
	transport UInt8,
	latency_us Int64,
	upstream UInt8,
	records Array(String),
	verdict String,
	list String,
	rule String,
	trigger String,
	category String,
	techniques String,
	chain UInt32,
	serial UInt32,
	ede UInt32,
	grp String,
	privacy String,
	shadow_list String,
	shadow_rule String,
	shadow_action String,
	shadow_category String,
	detectors String,
	score Int64,
	detections String,
	decided UInt64 MATERIALIZED cityHash64(verdict, list, rule, trigger, category, techniques, chain, serial, ede, grp,
		privacy, shadow_list, shadow_rule, shadow_action, shadow_category, detectors),
	detector String ALIAS extract(detectors, '^ ([^/]*)/'),
	tier String ALIAS extract(detectors, '^ [^/]*/([^/]*)/'),
	features String ALIAS visitParamExtractRaw(detections, 'features')
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (name, at, resolver, boot, worker, seq, id);

-- Which names a client asked for: leads from it to events.
CREATE TABLE IF NOT EXISTS scale.pair
(
	day Date,
	client String,
	name String
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (client, name);

CREATE MATERIALIZED VIEW IF NOT EXISTS scale.pair_of_event TO scale.pair AS
SELECT day, client, name FROM scale.event GROUP BY day, client, name;

-- Which names were answered with a record: leads from its data to events.
CREATE TABLE IF NOT EXISTS scale.answer
(
	day Date,
	type UInt16,
	data String,
	name String
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (type, data, name);

CREATE MATERIALIZED VIEW IF NOT EXISTS scale.answer_of_event TO scale.answer AS
SELECT day, toUInt16(splitByChar(' ', record)[2]) AS type, splitByChar(' ', record)[4] AS data, name
FROM scale.event ARRAY JOIN records AS record;

-- Passive DNS: only what came from upstream.
CREATE TABLE IF NOT EXISTS scale.record
(
	day Date,
	class UInt8,
	name String,
	type UInt16,
	data String,
	resolver String,
	ttl UInt32,
	first Int64,
	last Int64,
	count UInt64
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY day
ORDER BY (name, type, data, resolver, class, day);

-- The same by data, for questions from an address to names.
CREATE TABLE IF NOT EXISTS scale.record_by_data
(
	day Date,
	class UInt8,
	name String,
	type UInt16,
	data String,
	resolver String,
	ttl UInt32,
	first Int64,
	last Int64,
	count UInt64
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY day
ORDER BY (type, data, name, resolver, class, day);

CREATE MATERIALIZED VIEW IF NOT EXISTS scale.data_of_record TO scale.record_by_data AS
SELECT day, class, name, type, data, resolver, ttl, first, last, count FROM scale.record;

-- The workers of resolvers: how many frames came, and what they say of others.
CREATE TABLE IF NOT EXISTS scale.source
(
	day Date,
	class UInt8,
	resolver String,
	boot String,
	worker UInt32,
	first Int64,
	last Int64,
	frames UInt64,
	duplicates UInt64,
	dropped UInt64,
	left_out UInt64
)
ENGINE = ReplacingMergeTree(frames)
PARTITION BY day
ORDER BY (resolver, boot, worker, class, day);

-- Which numbers came, 8192 in a row: bit n (least first) of octet m is number block * 8192 + m * 8 + n.
CREATE TABLE IF NOT EXISTS scale.seen
(
	day Date,
	class UInt8,
	resolver String,
	boot String,
	worker UInt32,
	block UInt64,
	bits String,
	count UInt32
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY day
ORDER BY (resolver, boot, worker, block, class, day);

-- Heartbeats (former 0), and what resolvers say of a former process (former 1), with their JSON.
CREATE TABLE IF NOT EXISTS scale.note
(
	day Date,
	class UInt8,
	at Int64,
	resolver String,
	boot String,
	worker UInt32,
	former UInt8,
	number UInt64,
	extra String
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (resolver, boot, former, worker, number, class, day);
