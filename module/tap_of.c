/* tap_of.c: from options to a tap. */
#include "module/tap_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COMMIT_MS 10000

_Static_assert(CONF_TARGETS_MAX + 2 <= TAP_TARGETS_MAX, "all targets fit");

static struct tap_target_options target_of(const struct target_conf *conf)
{
	return (struct tap_target_options){
		.name = conf->name,
		.link = { .socket_path = conf->socket_path, .address = conf->address.address, .tls = conf->tls,
			.tls_name = conf->tls_name, .tls_ca_file = conf->tls_ca_file,
			.tls_certificate = conf->tls_certificate, .tls_key = conf->tls_key },
		.commit_interval_ms = conf->commit_interval * 1000,
		.file = conf->file,
		.rotate_octets = conf->rotate_octets,
		.rotate_seconds = conf->rotate_interval,
		.rotate_keep = conf->rotate_keep,
	};
}

/* Those of `dnstap:` itself, and those with a clause of their own. Returns how many. */
static unsigned make_targets(const struct conf *conf, struct tap_target_options *targets)
{
	unsigned count = 0;

	if (conf->dnstap.socket_path != NULL)
		targets[count++] = (struct tap_target_options){ .name = "socket",
			.link = { .socket_path = conf->dnstap.socket_path }, .commit_interval_ms = COMMIT_MS };
	if (conf->dnstap.file != NULL)
		targets[count++] = (struct tap_target_options){ .name = "file", .file = conf->dnstap.file };
	for (size_t i = 0; i < conf->target_count; i++)
		targets[count++] = target_of(&conf->targets[i]);
	return count;
}

static bool wants_key(const struct conf *conf)
{
	bool wants = conf->dnstap.privacy == PRIVACY_PSEUDONYM;

	for (size_t i = 0; i < conf->group_count; i++)
		wants |= conf->groups[i].privacy == PRIVACY_PSEUDONYM;
	return wants;
}

struct tap *tap_of_conf(const struct conf *conf, unsigned threads, uint64_t boot, struct tap_carry *carry,
	struct diag *diag)
{
	struct tap_target_options targets[TAP_TARGETS_MAX];
	char host[256] = "", *directory = NULL;
	const struct dnstap_conf *dnstap = &conf->dnstap;
	struct tap_options options = {
		.identity = conf->identity != NULL ? conf->identity : host,
		.version = "unbound-verdict " VERDICT_VERSION,
		.compat_protocol = dnstap->compat_protocol,
		.boot = boot,
		.carry = carry,
		.targets = targets,
		.target_count = make_targets(conf, targets),
		.ring_octets = dnstap->ring_octets,
		.workers = TAP_WORKERS_MAX,
		.threads = threads,
		.spool_octets = dnstap->spool_octets,
		.memory_octets = dnstap->memory_octets,
		.sync_interval_ms = dnstap->sync_interval,
		.heartbeat_ms = dnstap->heartbeat_interval * 1000,
		.prefix_ipv4 = dnstap->prefix_ipv4,
		.prefix_ipv6 = dnstap->prefix_ipv6,
		.key_directory = wants_key(conf) ? conf->state_directory : NULL,
	};
	struct tap *tap;

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	if (asprintf(&directory, "%s/frames", conf->state_directory) < 0)
		directory = NULL;
	options.directory = directory;
	tap = tap_create(&options, diag);
	free(directory);
	return tap;
}
