/*
 * link.c: an octet stream to a collector that never waits.
 */
#include "dnstap/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define ERROR_MAX 256

struct link {
	struct sockaddr_storage to;
	socklen_t to_octets;
	bool tls;
	char *name, *ca_file, *certificate, *key;   /* owned, or NULL */
	int fd;                                      /* -1: down */
	enum link_state state;
	bool connected;                              /* below TLS */
	/* What TLS waits for, as poll's events; 0: nothing special. Reading can wait for room to write, and writing for
	 * something to read. */
	short read_wants, write_wants;
	SSL_CTX *context;
	SSL *ssl;
	char error[ERROR_MAX];
};

static int fail(struct link *link, const char *what, int error)
{
	snprintf(link->error, sizeof(link->error), "%s%s%s", what, *what ? ": " : "", strerror(error));
	link_close(link);
	errno = error;
	return -1;
}

/* The reason stands in OpenSSL's queue of this thread, or in the verification's result. */
static int fail_tls(struct link *link, const char *what)
{
	unsigned long code = ERR_get_error();
	long verified = link->ssl ? SSL_get_verify_result(link->ssl) : X509_V_OK;
	char reason[160] = "the other side ended the connection";

	if (verified != X509_V_OK)
		snprintf(reason, sizeof(reason), "its certificate is refused: %s", X509_verify_cert_error_string(verified));
	else if (code != 0)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	snprintf(link->error, sizeof(link->error), "TLS, %s: %s", what, reason);
	/* After a fault no goodbye may be said (SSL_shutdown(3)). */
	link->state = LINK_DOWN;
	link_close(link);
	errno = EPROTO;
	return -1;
}

static bool set_unix(struct link *link, const char *path)
{
	struct sockaddr_un *to = (struct sockaddr_un *)&link->to;

	if (strlen(path) >= sizeof(to->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path, strlen(path) + 1);
	link->to_octets = sizeof(*to);
	return true;
}

static bool set_address(struct link *link, const struct address *address)
{
	struct sockaddr_in *to4 = (struct sockaddr_in *)&link->to;
	struct sockaddr_in6 *to6 = (struct sockaddr_in6 *)&link->to;

	if (address->family == ADDRESS_INET) {
		to4->sin_family = AF_INET;
		to4->sin_port = htons(address->port);
		memcpy(&to4->sin_addr, address->octets, 4);
		link->to_octets = sizeof(*to4);
	} else {
		to6->sin6_family = AF_INET6;
		to6->sin6_port = htons(address->port);
		memcpy(&to6->sin6_addr, address->octets, 16);
		link->to_octets = sizeof(*to6);
	}
	return true;
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool set_name(struct link *link, const struct link_options *options)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (options->tls_name || !options->tls)
		return copy(&link->name, options->tls_name);
	inet_ntop(options->address.family == ADDRESS_INET ? AF_INET : AF_INET6, options->address.octets, text,
		sizeof(text));
	return copy(&link->name, text);
}

struct link *link_create(const struct link_options *options)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->fd = -1;
	link->tls = options->tls;
	if ((options->socket_path ? set_unix(link, options->socket_path) : set_address(link, &options->address))
			&& set_name(link, options) && copy(&link->ca_file, options->tls_ca_file)
			&& copy(&link->certificate, options->tls_certificate) && copy(&link->key, options->tls_key))
		return link;
	int error = errno;
	link_destroy(&link);
	errno = error;
	return NULL;
}

void link_destroy(struct link **link)
{
	if (!*link)
		return;
	link_close(*link);
	free((*link)->name);
	free((*link)->ca_file);
	free((*link)->certificate);
	free((*link)->key);
	free(*link);
	*link = NULL;
}

void link_close(struct link *link)
{
	if (link->ssl && link->state == LINK_UP)
		(void)SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	SSL_CTX_free(link->context);
	ERR_clear_error();
	link->ssl = NULL;
	link->context = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->read_wants = link->write_wants = 0;
	link->connected = false;
	link->state = LINK_DOWN;
}

/* OpenSSL would ask at the terminal, and wait. */
static int no_password(char *to, int cap, int writes, void *arg)
{
	(void)to;
	(void)cap;
	(void)writes;
	(void)arg;
	return -1;
}

static bool load_certificates(struct link *link)
{
	SSL_CTX *context = link->context;
	const char *key = link->key ? link->key : link->certificate;

	if (link->ca_file ? SSL_CTX_load_verify_file(context, link->ca_file) != 1
			: SSL_CTX_set_default_verify_paths(context) != 1)
		return false;
	if (!link->certificate)
		return true;
	return SSL_CTX_use_certificate_chain_file(context, link->certificate) == 1
		&& SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
}

/* The name is an address when it reads as one. */
static bool expect_name(struct link *link)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(link->ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, link->name) == 1)
		return true;
	ERR_clear_error();
	SSL_set_hostflags(link->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(link->ssl, link->name) == 1 && SSL_set_tlsext_host_name(link->ssl, link->name) == 1;
}

static int start_tls(struct link *link)
{
	ERR_clear_error();
	link->context = SSL_CTX_new(TLS_client_method());
	if (!link->context || SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) != 1)
		return fail_tls(link, "start");
	SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_default_passwd_cb(link->context, no_password);
	SSL_CTX_set_options(link->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(link->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (!load_certificates(link))
		return fail_tls(link, "certificate files");
	link->ssl = SSL_new(link->context);
	if (!link->ssl || !expect_name(link) || SSL_set_fd(link->ssl, link->fd) != 1)
		return fail_tls(link, "start");
	SSL_set_connect_state(link->ssl);
	return 0;
}

/* Sets what TLS waits for; 0 after a success. False: it is broken. */
static bool is_waiting(const struct link *link, int result, short *wants)
{
	int error = SSL_get_error(link->ssl, result);

	*wants = error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
	return *wants != 0;
}

static int shake_hands(struct link *link)
{
	int result;

	if (!link->ssl && start_tls(link) != 0)
		return -1;
	ERR_clear_error();
	result = SSL_do_handshake(link->ssl);
	if (result == 1) {
		link->write_wants = 0;
		link->state = LINK_UP;
		return 0;
	}
	return is_waiting(link, result, &link->write_wants) ? 0 : fail_tls(link, "handshake");
}

static int check_connected(struct link *link)
{
	struct pollfd fd = { .fd = link->fd, .events = POLLOUT };
	int error = 0;
	socklen_t octets = sizeof(error);

	if (poll(&fd, 1, 0) <= 0)
		return 0;
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &octets) != 0)
		error = errno;
	if (error != 0)
		return fail(link, "", error);
	link->connected = true;
	return 0;
}

int link_open(struct link *link)
{
	int one = 1;

	link_close(link);
	link->fd = socket(link->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0)
		return fail(link, "socket", errno);
	if (link->to.ss_family != AF_UNIX) {
		(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	}
	link->state = LINK_CONNECTING;
	/* EAGAIN of a unix socket says that the collector's queue of connections is full: no use waiting. */
	if (connect(link->fd, (struct sockaddr *)&link->to, link->to_octets) == 0)
		link->connected = true;
	else if (errno != EINPROGRESS)
		return fail(link, "", errno);
	return link_step(link);
}

int link_step(struct link *link)
{
	if (link->state != LINK_CONNECTING)
		return 0;
	if (!link->connected && check_connected(link) != 0)
		return -1;
	if (!link->connected)
		return 0;
	if (link->tls)
		return shake_hands(link);
	link->state = LINK_UP;
	return 0;
}

enum link_state link_state(const struct link *link)
{
	return link->state;
}

bool link_is_connected(const struct link *link)
{
	return link->connected;
}

static ssize_t write_tls(struct link *link, const void *octets, size_t count)
{
	size_t done = 0;
	int result;

	ERR_clear_error();
	result = SSL_write_ex(link->ssl, octets, count, &done);
	if (result == 1) {
		link->write_wants = 0;
		return (ssize_t)done;
	}
	return is_waiting(link, result, &link->write_wants) ? 0 : fail_tls(link, "write");
}

ssize_t link_write(struct link *link, const void *octets, size_t count)
{
	ssize_t done;

	if (link->state != LINK_UP)
		return -1;
	if (link->tls)
		return write_tls(link, octets, count);
	do
		done = send(link->fd, octets, count, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
		return 0;
	return done < 0 ? fail(link, "", errno) : done;
}

static ssize_t read_tls(struct link *link, void *to, size_t cap)
{
	size_t got = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(link->ssl, to, cap, &got);
	if (result == 1) {
		link->read_wants = 0;
		return (ssize_t)got;
	}
	return is_waiting(link, result, &link->read_wants) ? 0 : fail_tls(link, "read");
}

ssize_t link_read(struct link *link, void *to, size_t cap)
{
	ssize_t got;

	if (link->state != LINK_UP)
		return -1;
	if (link->tls)
		return read_tls(link, to, cap);
	do
		got = recv(link->fd, to, cap, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return fail(link, "the other side ended the connection", ECONNRESET);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return got < 0 ? fail(link, "", errno) : got;
}

int link_fd(const struct link *link)
{
	return link->fd;
}

short link_events(const struct link *link, bool wants_write)
{
	short write = link->write_wants ? link->write_wants : POLLOUT;

	if (link->state == LINK_CONNECTING)
		return write;
	return (short)(POLLIN | link->read_wants | (wants_write ? write : 0));
}

const char *link_error(const struct link *link)
{
	return link->error;
}
