-- ClickHouse tables for `verdictctl tap --format native`.
--
-- Run:     ClickHouse 26.7 (chdb, the engine as a library), on frames of a live resolver: these tables and queries.sql;
--          tests/unit/test_siem.py runs both wherever there is a program `clickhouse`.
-- Written from documentation: the commands below, since that engine has no client.
--
--     clickhouse client --multiquery < tables.sql
--     verdictctl tap --format native --listen unix:/run/unbound/verdict.sock |
--         clickhouse client --query 'INSERT INTO verdict.frame FORMAT JSONEachRow' \
--             --max_insert_block_size 1000 --input_format_parallel_parsing 0
--
-- Without the last line the client waits for a million lines. Where 1000 take too long to come (26.x):
-- --input_format_connection_handling 1 --input_format_max_block_wait_ms 1000. Files that were rotated need neither:
-- verdictctl tap --format native --dedup 'frames.fs.*' | clickhouse client --query '...'
--
-- `frame` takes the lines and keeps nothing: the views below spread them. Keys that a later version adds are left alone.

CREATE DATABASE IF NOT EXISTS verdict;

CREATE TABLE IF NOT EXISTS verdict.frame
(
	time DateTime64(9, 'UTC'),
	duration_us UInt64,
	identity String,
	version String,
	type String,
	client String,
	client_port UInt16,
	server String,
	server_port UInt16,
	transport String,
	qname String,
	qtype String,
	rcode String,
	answers Array(Tuple(name String, type String, ttl UInt32, data String)),
	verdict Tuple(
		boot String, worker UInt16, seq UInt64, path String, verdict String, `group` String, list String, rule String,
		trigger String, serial UInt32, category String, attack Array(String), incident String,
		dropped String,                            -- a number, in heartbeats an object
		shadow Tuple(list String, rule String, action String),
		heartbeat UInt64,
		workers Array(Tuple(worker UInt16, seq UInt64, dropped UInt64)),
		targets Array(Tuple(name String, up Bool, lost UInt64, unsure UInt64, waiting_ms UInt64)),
		former Tuple(worker UInt16, seq UInt64, dropped UInt64, damaged Bool))
)
ENGINE = Null;

-- One row for each answer. A frame that comes twice has the same key and is merged into one; until then, and for
-- counts that must be right, read `FINAL`. qname_key is com.example.www: a domain and all below it lie together.
CREATE TABLE IF NOT EXISTS verdict.answer
(
	time DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
	duration_us UInt64,
	identity LowCardinality(String),
	client IPv6,                               -- IPv4 as ::ffff:192.0.2.7
	client_port UInt16,
	transport LowCardinality(String),
	qname String,
	qname_key String,
	qtype LowCardinality(String),
	rcode LowCardinality(String),
	data Array(String),                        -- of all answers, in their order
	ttl Array(UInt32),
	addresses Array(IPv6),
	boot FixedString(12),
	worker UInt16,
	seq UInt64,
	path LowCardinality(String),
	verdict LowCardinality(String),
	client_group LowCardinality(String),
	list LowCardinality(String),
	rule String,
	trigger LowCardinality(String),
	category LowCardinality(String),
	attack Array(LowCardinality(String)),
	incident String,
	shadow_list LowCardinality(String),
	shadow_action LowCardinality(String),
	dropped UInt64,
	INDEX by_client client TYPE bloom_filter GRANULARITY 4,
	INDEX by_address addresses TYPE bloom_filter GRANULARITY 4,
	INDEX by_incident incident TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(time)
ORDER BY (qname_key, time, boot, worker, seq)
TTL toDateTime(time) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS verdict.answer_of_frame TO verdict.answer AS
SELECT
	time, duration_us, identity, toIPv6OrDefault(client) AS client, client_port, transport,
	lower(qname) AS qname,
	arrayStringConcat(arrayReverse(splitByChar('.', lower(qname))), '.') AS qname_key,
	qtype, rcode,
	answers.data AS data, answers.ttl AS ttl,
	arrayMap(one -> toIPv6OrDefault(one.data), arrayFilter(one -> one.type IN ('A', 'AAAA'), answers)) AS addresses,
	toFixedString(verdict.boot, 12) AS boot, verdict.worker AS worker, verdict.seq AS seq, verdict.path AS path,
	verdict.verdict AS verdict, verdict.`group` AS client_group, verdict.list AS list, verdict.rule AS rule,
	verdict.trigger AS trigger, verdict.category AS category, verdict.attack AS attack, verdict.incident AS incident,
	verdict.shadow.list AS shadow_list, verdict.shadow.action AS shadow_action, toUInt64OrZero(verdict.dropped) AS dropped
FROM verdict.frame
WHERE verdict.seq > 0;

-- Passive DNS: which data a name had, since when, until when. What the policy or the resolver made up is left out.
CREATE TABLE IF NOT EXISTS verdict.record
(
	name String,
	type LowCardinality(String),
	data String,
	first SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
	last SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
	count SimpleAggregateFunction(sum, UInt64),
	INDEX by_data data TYPE bloom_filter GRANULARITY 4
)
ENGINE = AggregatingMergeTree
ORDER BY (name, type, data);

CREATE MATERIALIZED VIEW IF NOT EXISTS verdict.record_of_frame TO verdict.record AS
SELECT lower(one.name) AS name, one.type AS type, one.data AS data, min(time) AS first, max(time) AS last, count() AS count
FROM verdict.frame
ARRAY JOIN answers AS one
WHERE verdict.verdict IN ('allow', 'pass', 'observe') AND verdict.path IN ('resolved', 'cached')
GROUP BY name, type, data;

-- What the resolvers say of themselves: how far each worker had come, what it dropped, what targets lost.
CREATE TABLE IF NOT EXISTS verdict.heartbeat
(
	time DateTime64(9, 'UTC'),
	identity LowCardinality(String),
	boot FixedString(12),
	worker UInt16,
	seq UInt64,
	dropped UInt64,
	lost UInt64,                               -- by all targets together
	damaged Bool                               -- of a former process: more is missing, and nobody knows how much
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (boot, worker, time)
TTL toDateTime(time) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS verdict.heartbeat_of_frame TO verdict.heartbeat AS
SELECT time, identity, toFixedString(verdict.boot, 12) AS boot, one.worker AS worker, one.seq AS seq, one.dropped AS dropped,
	arraySum(verdict.targets.lost) AS lost, false AS damaged
FROM verdict.frame
ARRAY JOIN verdict.workers AS one
WHERE verdict.heartbeat > 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS verdict.former_of_frame TO verdict.heartbeat AS
SELECT time, identity, toFixedString(verdict.boot, 12) AS boot, verdict.former.worker AS worker, verdict.former.seq AS seq,
	verdict.former.dropped AS dropped, 0 AS lost, verdict.former.damaged AS damaged
FROM verdict.frame
WHERE verdict.former.seq > 0;
