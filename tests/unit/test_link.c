/* test_link.c: TLS to a server in the same thread: who it takes for the collector, and short reads and writes. */
#include "dnstap/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/unit/directory.h"

#define TRIES 30000   /* of 2 ms */

static struct directory directory;
static char ca_file[128], other_ca_file[128], client_file[128], locked_key_file[128];
static EVP_PKEY *server_key;
static X509 *server_certificate, *authority;

static X509 *certificate_of(EVP_PKEY *key, const char *name, EVP_PKEY *issuer_key, X509 *issuer, const char *alternative)
{
	X509 *certificate = X509_new();
	X509V3_CTX context;

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + rand());
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
	X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, alternative ? NID_subject_alt_name
		: NID_basic_constraints, alternative ? alternative : "critical,CA:TRUE");
	assert_non_null(extension);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
	return certificate;
}

static FILE *create(char *path, const char *name)
{
	FILE *to;

	snprintf(path, 128, "%s/%s", directory.path, name);
	to = fopen(path, "w");
	assert_non_null(to);
	return to;
}

static int make_files(void **state)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *client_key = EVP_EC_gen("P-256");
	X509 *other, *client;
	FILE *to;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	directory = directory_make();
	server_key = EVP_EC_gen("P-256");
	authority = certificate_of(ca_key, "authority", ca_key, NULL, NULL);
	other = certificate_of(client_key, "other authority", client_key, NULL, NULL);
	server_certificate = certificate_of(server_key, "server", ca_key, authority, "DNS:collector.example,IP:127.0.0.1");
	client = certificate_of(client_key, "resolver", ca_key, authority, "DNS:resolver.example");
	to = create(ca_file, "ca.pem");
	PEM_write_X509(to, authority);
	fclose(to);
	to = create(other_ca_file, "other.pem");
	PEM_write_X509(to, other);
	fclose(to);
	to = create(client_file, "client.pem");
	PEM_write_X509(to, client);
	PEM_write_PrivateKey(to, client_key, NULL, NULL, 0, NULL, NULL);
	fclose(to);
	to = create(locked_key_file, "locked.pem");
	PEM_write_PrivateKey(to, client_key, EVP_aes_128_cbc(), (const uint8_t *)"secret", 6, NULL, NULL);
	fclose(to);
	X509_free(other);
	X509_free(client);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(client_key);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	X509_free(authority);
	X509_free(server_certificate);
	EVP_PKEY_free(server_key);
	directory_remove(&directory);
	return 0;
}

struct peer {
	SSL_CTX *context;
	SSL *ssl;
	int listener, fd;
	struct address address;
	bool up;
};

static struct peer server_make(bool wants_certificate, int version)
{
	struct peer server = { .context = SSL_CTX_new(TLS_server_method()), .fd = -1 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t octets = sizeof(to);

	SSL_CTX_use_certificate(server.context, server_certificate);
	SSL_CTX_use_PrivateKey(server.context, server_key);
	SSL_CTX_set_max_proto_version(server.context, version);
	SSL_CTX_set_min_proto_version(server.context, version);
	if (version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(server.context, 0);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(server.context), authority);
	if (wants_certificate)
		SSL_CTX_set_verify(server.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(server.listener, 1), 0);
	getsockname(server.listener, (struct sockaddr *)&to, &octets);
	server.address = (struct address){ ADDRESS_INET, ntohs(to.sin_port), { 127, 0, 0, 1 } };
	return server;
}

static void server_remove(struct peer *server)
{
	SSL_free(server->ssl);
	SSL_CTX_free(server->context);
	close(server->listener);
	if (server->fd >= 0)
		close(server->fd);
}

static void server_accept(struct peer *server)
{
	server->fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(server->fd >= 0);
	server->ssl = SSL_new(server->context);
	SSL_set_fd(server->ssl, server->fd);
	SSL_set_accept_state(server->ssl);
}

/* Both sides in turn, until both are up or the link is down. */
static void shake_hands(struct peer *server, struct link *link)
{
	unsigned i;

	if (link_open(link) != 0)
		return;
	server_accept(server);
	for (i = 0; i < TRIES && link_state(link) != LINK_DOWN && !(server->up && link_state(link) == LINK_UP); i++) {
		uint8_t octet;

		server->up = server->up || SSL_do_handshake(server->ssl) == 1;
		(void)link_step(link);
		if (link_state(link) == LINK_UP)
			(void)link_read(link, &octet, 1);   /* TLS 1.3 says here that it wants a certificate */
		poll(NULL, 0, 2);
	}
	ERR_clear_error();
}

static void takes_only_the_collector_that_it_should(void **state)
{
	static const struct row {
		const char *name, *ca, *certificate, *key;
		bool wants;
		int version;
		const char *says;   /* NULL: it is taken */
		const char *why;
	} rows[] = {
		{ "collector.example", ca_file, NULL, NULL, false, TLS1_3_VERSION, NULL, "a name" },
		{ "127.0.0.1", ca_file, NULL, NULL, false, TLS1_3_VERSION, NULL, "an address" },
		{ NULL, ca_file, NULL, NULL, false, TLS1_2_VERSION, NULL, "the address that it connects to, TLS 1.2" },
		{ "collector.example", ca_file, NULL, NULL, false, TLS1_1_VERSION, "handshake", "too old" },
		{ "other.example", ca_file, NULL, NULL, false, TLS1_3_VERSION, "ostname mismatch", "another name" },
		{ "127.0.0.2", ca_file, NULL, NULL, false, TLS1_3_VERSION, "IP address mismatch", "another address" },
		{ "collector.example", other_ca_file, NULL, NULL, false, TLS1_3_VERSION, "certificate is refused", "another CA" },
		{ "collector.example", NULL, NULL, NULL, false, TLS1_3_VERSION, "certificate is refused", "not the system's CA" },
		{ "collector.example", "/nowhere", NULL, NULL, false, TLS1_3_VERSION, "certificate files", "no CA file" },
		{ "collector.example", ca_file, client_file, NULL, true, TLS1_3_VERSION, NULL, "a certificate of ours" },
		{ "collector.example", ca_file, client_file, NULL, true, TLS1_2_VERSION, NULL, "the same, TLS 1.2" },
		{ "collector.example", ca_file, NULL, NULL, true, TLS1_3_VERSION, "certificate required", "none of ours" },
		{ "collector.example", ca_file, client_file, other_ca_file, true, TLS1_3_VERSION, "certificate files", "no key" },
		{ "collector.example", ca_file, client_file, locked_key_file, true, TLS1_3_VERSION, "certificate files",
			"a key with a password, which nobody is asked for" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer server = server_make(rows[i].wants, rows[i].version);
		const struct link_options options = { .address = server.address, .tls = true, .tls_name = rows[i].name,
			.tls_ca_file = rows[i].ca, .tls_certificate = rows[i].certificate, .tls_key = rows[i].key };
		struct link *link = link_create(&options);

		shake_hands(&server, link);
		if ((link_state(link) == LINK_UP) != !rows[i].says)
			fail_msg("%s: %s", rows[i].why, link_error(link));
		if (rows[i].says && !strstr(link_error(link), rows[i].says))
			fail_msg("%s: %s", rows[i].why, link_error(link));
		assert_int_equal(link_fd(link) >= 0, !rows[i].says);
		assert_true(rows[i].says || server.up);
		link_destroy(&link);
		server_remove(&server);
	}
}

/* More than all buffers hold, with a reader that is slower; written again from where it ended. */
static void writes_in_parts_and_says_what_it_waits_for(void **state)
{
	static uint8_t octets[8 << 20], got[16384];
	struct peer server = server_make(false, TLS1_3_VERSION);
	const struct link_options options = { .address = server.address, .tls = true, .tls_name = "collector.example",
		.tls_ca_file = ca_file };
	struct link *link = link_create(&options);
	size_t sent = 0, came = 0, i;
	unsigned blocked = 0;

	(void)state;
	for (i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 2654435761u >> 24);
	shake_hands(&server, link);
	assert_int_equal(link_state(link), LINK_UP);
	assert_int_equal(link_events(link, false), POLLIN);
	while (came < sizeof(octets)) {
		ssize_t done = sent < sizeof(octets) ? link_write(link, octets + sent, sizeof(octets) - sent) : 0;
		int read;

		assert_true(done >= 0);
		sent += (size_t)done;
		if (done > 0)
			continue;
		if (sent < sizeof(octets)) {
			assert_int_equal(link_events(link, true), POLLIN | POLLOUT);
			blocked++;
		}
		read = SSL_read(server.ssl, got, sizeof(got));
		assert_true(read > 0 || SSL_get_error(server.ssl, read) == SSL_ERROR_WANT_READ);
		if (read > 0)
			assert_memory_equal(got, octets + came, (size_t)read);
		came += read > 0 ? (size_t)read : 0;
	}
	assert_true(blocked > 0);
	assert_int_equal(link_events(link, false), POLLIN);
	link_destroy(&link);
	server_remove(&server);
}

/* What it says once it says something. */
static ssize_t read_octet(struct link *link)
{
	uint8_t octet;
	ssize_t got;
	unsigned i;

	for (i = 0; (got = link_read(link, &octet, 1)) == 0 && i < TRIES; i++)
		poll(NULL, 0, 2);
	return got;
}

static void says_when_the_other_side_ends(void **state)
{
	struct peer server = server_make(false, TLS1_3_VERSION);
	const struct link_options options = { .address = server.address, .tls = true, .tls_name = "collector.example",
		.tls_ca_file = ca_file };
	struct link *link = link_create(&options);
	uint8_t octet;

	(void)state;
	shake_hands(&server, link);
	assert_int_equal(SSL_write(server.ssl, "x", 1), 1);
	assert_int_equal(read_octet(link), 1);
	assert_int_equal(link_read(link, &octet, 1), 0);
	close(server.fd);
	server.fd = -1;
	assert_int_equal(read_octet(link), -1);
	assert_int_equal(link_state(link), LINK_DOWN);
	assert_true(*link_error(link) != '\0');
	assert_int_equal(link_write(link, "x", 1), -1);
	link_destroy(&link);
	server_remove(&server);
}

/* Of what the server reads. */
static void count_hellos(int writes, int version, int type, const void *octets, size_t count, SSL *ssl, void *arg)
{
	unsigned *hellos = arg;

	(void)version;
	(void)ssl;
	*hellos += !writes && type == SSL3_RT_HANDSHAKE && count > 0 && *(const uint8_t *)octets == SSL3_MT_CLIENT_HELLO;
}

static void a_server_that_asks_for_another_handshake_is_refused(void **state)
{
	struct peer server = server_make(false, TLS1_2_VERSION);
	const struct link_options options = { .address = server.address, .tls = true, .tls_name = "collector.example",
		.tls_ca_file = ca_file };
	struct link *link = link_create(&options);
	unsigned i, hellos = 0;
	uint8_t octet;

	(void)state;
	shake_hands(&server, link);
	assert_int_equal(link_state(link), LINK_UP);
	SSL_set_msg_callback(server.ssl, count_hellos);
	SSL_set_msg_callback_arg(server.ssl, &hellos);
	assert_int_equal(SSL_renegotiate(server.ssl), 1);
	(void)SSL_do_handshake(server.ssl);
	for (i = 0; i < 20; i++) {
		(void)link_read(link, &octet, 1);
		(void)SSL_read(server.ssl, &octet, 1);
		if (link_state(link) == LINK_UP)
			assert_int_equal(link_events(link, false), POLLIN);
		poll(NULL, 0, 2);
	}
	ERR_clear_error();
	assert_int_equal(hellos, 0);
	link_destroy(&link);
	server_remove(&server);
}

static void a_path_that_is_too_long_is_said(void **state)
{
	char path[200];
	const struct link_options options = { .socket_path = path };

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_null(link_create(&options));
	assert_int_equal(errno, ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_only_the_collector_that_it_should),
		cmocka_unit_test(writes_in_parts_and_says_what_it_waits_for),
		cmocka_unit_test(says_when_the_other_side_ends),
		cmocka_unit_test(a_server_that_asks_for_another_handshake_is_refused),
		cmocka_unit_test(a_path_that_is_too_long_is_said),
	};

	return cmocka_run_group_tests_name("link", tests, make_files, remove_files);
}
