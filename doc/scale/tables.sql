-- Tables for more than one machine keeps: events, who asked for what, passive DNS, heartbeats.
--
-- Run: ClickHouse 18.16.1 (Debian 12), all of it, over HTTP. It has no TTL, which README.md adds for later ones.
--
-- Names are keys as in day files (labels reversed: 'com.example.www'), so that a domain and all below it lie together.
-- Addresses and record data are octets in hexadecimal digits, so that a network of whole digits is a prefix.

CREATE DATABASE IF NOT EXISTS scale;

-- One row for each answer. One that comes twice has the same key and is merged into one; FINAL does it at once.
CREATE TABLE IF NOT EXISTS scale.event
(
	day Date,
	ms UInt64,
	resolver String,
	boot String,
	worker UInt16,
	seq UInt64,
	client String,
	name String,
	domain String,
	type UInt16,
	rcode Int16,
	path UInt8,
	latency_us Int64,
	verdict String,
	list String,
	rule String,
	category String,
	techniques String,
	detectors String,
	shadow_list String,
	shadow_action String
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (name, ms, resolver, boot, worker, seq);

-- Who asked for what: small beside events, and sorted by client.
CREATE TABLE IF NOT EXISTS scale.pair
(
	day Date,
	client String,
	name String,
	verdict String,
	list String,
	first AggregateFunction(min, UInt64),
	last AggregateFunction(max, UInt64),
	count AggregateFunction(uniq, String, UInt16, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (client, name, verdict, list);

CREATE MATERIALIZED VIEW IF NOT EXISTS scale.pair_of_event TO scale.pair AS
SELECT day, client, name, verdict, list, minState(ms) AS first, maxState(ms) AS last,
	uniqState(boot, worker, seq) AS count
FROM scale.event
GROUP BY day, client, name, verdict, list;

-- Passive DNS of a day and a resolver: only what came from upstream. A day that is put in again replaces itself.
CREATE TABLE IF NOT EXISTS scale.record
(
	day Date,
	name String,
	type UInt16,
	data String,
	resolver String,
	ttl UInt32,
	first UInt64,
	last UInt64,
	count UInt64
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY day
ORDER BY (name, type, data, resolver);

-- The same by data, for questions from an address to names.
CREATE TABLE IF NOT EXISTS scale.record_by_data
(
	day Date,
	name String,
	type UInt16,
	data String,
	resolver String,
	ttl UInt32,
	first UInt64,
	last UInt64,
	count UInt64
)
ENGINE = ReplacingMergeTree(count)
PARTITION BY day
ORDER BY (data, type, name, resolver);

CREATE MATERIALIZED VIEW IF NOT EXISTS scale.data_of_record TO scale.record_by_data AS
SELECT day, name, type, data, resolver, ttl, first, last, count FROM scale.record;

-- How far each worker said it was.
CREATE TABLE IF NOT EXISTS scale.beat
(
	day Date,
	ms UInt64,
	resolver String,
	boot String,
	worker UInt16,
	seq UInt64,
	dropped UInt64,
	left_out UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (resolver, boot, worker, ms);
