/* tap_socket.c: sockets to listen at, and TLS over them. */
#include "tools/tap_socket.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tools/term.h"

#define BACKLOG 64

struct tap_socket {
	int fd;
	const char *path;    /* to remove; NULL: none */
	SSL_CTX *tls;        /* NULL: plain */
};

struct tap_link {
	int fd;
	SSL *tls;            /* NULL: plain */
	bool shaken;         /* the handshake is done */
	short events;
	char error[128];
};

static int complain(const char *text, const char *what, const char *why)
{
	char safe[256];

	term_escape(safe, sizeof(safe), text, strlen(text));
	fprintf(stderr, "verdictctl: %s: %s%s%s\n", safe, what, why != NULL ? ": " : "", why != NULL ? why : "");
	return -1;
}

/* --- unix --------------------------------------------------------------------------------------------------- */

/* A socket file that nobody listens on is a leftover; one that answers is somebody else's. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat status;
	int fd, error;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? 0 : complain(path, "cannot listen", strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return complain(path, "is there already and is no socket; name another path", NULL);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return complain(path, "cannot listen", strerror(errno));
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EAGAIN)
		return complain(path, "another program listens there", NULL);
	if (error != ECONNREFUSED)
		return complain(path, "is there already, and cannot be asked whether somebody listens", strerror(error));
	return unlink(path) == 0 ? 0 : complain(path, "cannot remove the old socket", strerror(errno));
}

static int open_unix(const struct tap_place *place)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old_mask;
	int fd, result;

	if (strlen(place->path) >= sizeof(address.sun_path))
		return complain(place->path, "too long for a socket, which has 107 octets", NULL);
	strcpy(address.sun_path, place->path);
	if (remove_stale(place->path, &address) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return complain(place->path, "cannot listen", strerror(errno));
	old_mask = umask(0777 & ~place->mode);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(old_mask);
	if (result == 0)
		result = listen(fd, BACKLOG);
	if (result == 0)
		return fd;
	complain(place->path, "cannot listen", strerror(errno));
	close(fd);
	return -1;
}

/* --- TCP ---------------------------------------------------------------------------------------------------- */

static int bind_first(const struct addrinfo *row)
{
	const int on = 1;
	int fd = socket(row->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, row->ai_addr, row->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Addresses alone: to listen needs no name service. */
static int open_tcp(const struct tap_place *place)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	const char *text = strncmp(place->text, "tcp:", 4) == 0 || strncmp(place->text, "tls:", 4) == 0 ?
		place->text + 4 : place->text;
	const char *at = strrchr(text, '@');
	struct addrinfo *rows = NULL;
	char host[64];
	int fd, wrong;

	if (at == NULL || at == text || (size_t)(at - text) >= sizeof(host))
		return complain(place->text, "is no ADDRESS@PORT", NULL);
	memcpy(host, text, (size_t)(at - text));
	host[at - text] = '\0';
	wrong = getaddrinfo(host, at + 1, &hints, &rows);
	if (wrong != 0)
		return complain(place->text, "is no ADDRESS@PORT", gai_strerror(wrong));
	fd = bind_first(rows);
	if (fd < 0)
		complain(place->text, "cannot listen", strerror(errno));
	freeaddrinfo(rows);
	return fd;
}

/* --- TLS ---------------------------------------------------------------------------------------------------- */

static void tls_reason(char *to, size_t cap)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);

	snprintf(to, cap, "TLS: %s", reason != NULL ? reason : "it ended without a word");
	ERR_clear_error();
}

static int tls_complain(const char *file, const char *what)
{
	char reason[128];

	tls_reason(reason, sizeof(reason));
	return complain(file, what, reason);
}

/* What client certificates are checked by. With a list of what is revoked, one that has run out, or is of another
 * authority, lets nobody in: who withholds the next list must not gain by it. */
static int tls_trust(SSL_CTX *tls, const struct tap_place *place)
{
	X509_STORE *trusted = X509_STORE_new();
	const char *wrong = trusted == NULL ? place->text : NULL;

	if (wrong == NULL && X509_STORE_load_file(trusted, place->client_ca) != 1)
		wrong = place->client_ca;
	if (wrong == NULL && place->crl != NULL) {
		X509_LOOKUP *lookup = X509_STORE_add_lookup(trusted, X509_LOOKUP_file());

		if (lookup == NULL || X509_load_crl_file(lookup, place->crl, X509_FILETYPE_PEM) < 1 ||
				X509_STORE_set_flags(trusted, X509_V_FLAG_CRL_CHECK) != 1)
			wrong = place->crl;
	}
	if (wrong != NULL) {
		X509_STORE_free(trusted);
		return tls_complain(wrong, wrong == place->crl ? "cannot use this list of revoked certificates" :
			"cannot use these authorities");
	}
	SSL_CTX_set_cert_store(tls, trusted);
	return 0;
}

static int tls_load(SSL_CTX *tls, const struct tap_place *place)
{
	if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
		return tls_complain(place->text, "cannot set up TLS");
	if (SSL_CTX_use_certificate_chain_file(tls, place->certificate) != 1)
		return tls_complain(place->certificate, "cannot use this certificate");
	if (SSL_CTX_use_PrivateKey_file(tls, place->key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(tls) != 1)
		return tls_complain(place->key, "cannot use this key");
	if (place->client_ca == NULL)
		return 0;
	if (tls_trust(tls, place) != 0)
		return -1;
	SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(place->client_ca));
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static SSL_CTX *tls_create(const struct tap_place *place)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL) {
		tls_complain(place->text, "cannot set up TLS");
		return NULL;
	}
	if (tls_load(tls, place) == 0) {
		/* Where a stream ends is for STOP to say: many senders end TLS without a word. */
		SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
		/* Who goes on with a session shows no certificate, which may be revoked by then. */
		SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(tls, 0);
		SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
		return tls;
	}
	SSL_CTX_free(tls);
	return NULL;
}

struct tap_socket *tap_socket_open(const struct tap_place *place)
{
	struct tap_socket *opened = calloc(1, sizeof(*opened));

	if (opened == NULL)
		return NULL;
	opened->fd = -1;
	if (place->certificate != NULL && (opened->tls = tls_create(place)) == NULL) {
		tap_socket_close(&opened);
		return NULL;
	}
	opened->fd = place->path != NULL ? open_unix(place) : open_tcp(place);
	if (opened->fd < 0)
		tap_socket_close(&opened);
	else
		opened->path = place->path;
	return opened;
}

void tap_socket_close(struct tap_socket **opened)
{
	if (*opened == NULL)
		return;
	if ((*opened)->path != NULL)
		unlink((*opened)->path);
	if ((*opened)->fd >= 0)
		close((*opened)->fd);
	SSL_CTX_free((*opened)->tls);
	free(*opened);
	*opened = NULL;
}

int tap_socket_fd(const struct tap_socket *opened)
{
	return opened->fd;
}

bool tap_socket_read_crl(struct tap_socket *opened, const struct tap_place *place)
{
	return opened->tls == NULL || place->crl == NULL || tls_trust(opened->tls, place) == 0;
}

/* --- connections -------------------------------------------------------------------------------------------- */

struct tap_link *tap_link_accept(struct tap_socket *opened)
{
	int fd = accept4(opened->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct tap_link *link = fd < 0 ? NULL : calloc(1, sizeof(*link));

	if (link == NULL) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	link->fd = fd;
	link->events = POLLIN;
	link->shaken = opened->tls == NULL;
	if (opened->tls == NULL)
		return link;
	link->tls = SSL_new(opened->tls);
	if (link->tls != NULL && SSL_set_fd(link->tls, fd) == 1) {
		SSL_set_accept_state(link->tls);
		return link;
	}
	tap_link_close(&link);
	errno = ENOMEM;
	return NULL;
}

void tap_link_close(struct tap_link **link)
{
	if (*link == NULL)
		return;
	if ((*link)->tls != NULL && (*link)->shaken && (*link)->error[0] == '\0')
		SSL_shutdown((*link)->tls);
	ERR_clear_error();
	SSL_free((*link)->tls);
	close((*link)->fd);
	free(*link);
	*link = NULL;
}

int tap_link_fd(const struct tap_link *link)
{
	return link->fd;
}

short tap_link_events(const struct tap_link *link)
{
	return link->events;
}

const char *tap_link_error(const struct tap_link *link)
{
	return link->error;
}

/* What a call of OpenSSL came to, as read(2) would say it. */
static ssize_t tls_result(struct tap_link *link, int result)
{
	int error = SSL_get_error(link->tls, result), said = errno;

	link->events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		if (error == SSL_ERROR_SYSCALL && ERR_peek_last_error() == 0 && said != 0)
			snprintf(link->error, sizeof(link->error), "TLS: %s", strerror(said));
		else
			tls_reason(link->error, sizeof(link->error));
		errno = EPROTO;
		return -1;
	}
}

static ssize_t tls_read(struct tap_link *link, void *to, size_t room)
{
	int result;

	ERR_clear_error();
	errno = 0;
	if (!link->shaken) {
		result = SSL_accept(link->tls);
		if (result != 1)
			return tls_result(link, result) == 0 ? 0 : -1;
		link->shaken = true;
	}
	errno = 0;
	result = SSL_read(link->tls, to, room > INT32_MAX ? INT32_MAX : (int)room);
	if (result > 0)
		link->events = POLLIN;
	return result > 0 ? result : tls_result(link, result);
}

ssize_t tap_link_read(struct tap_link *link, void *to, size_t room)
{
	return link->tls != NULL ? tls_read(link, to, room) : read(link->fd, to, room);
}

/* A NUL inside a name would end it early for whoever reads it as a text. */
static bool show_name(ASN1_STRING *string, bool (*visit)(void *arg, const char *name), void *arg, unsigned *shown)
{
	unsigned char *text = NULL;
	int octets = ASN1_STRING_to_UTF8(&text, string);
	bool more = true;

	if (octets > 0 && strlen((char *)text) == (size_t)octets) {
		(*shown)++;
		more = visit(arg, (char *)text);
	}
	OPENSSL_free(text);
	return more;
}

static unsigned show_names(X509 *certificate, bool (*visit)(void *arg, const char *name), void *arg)
{
	GENERAL_NAMES *rows = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned shown = 0;
	bool more = true;

	for (int i = 0; more && i < sk_GENERAL_NAME_num(rows); i++) {
		GENERAL_NAME *row = sk_GENERAL_NAME_value(rows, i);

		if (row->type == GEN_DNS)
			more = show_name(row->d.dNSName, visit, arg, &shown);
	}
	if (shown == 0 && at >= 0)
		show_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), visit, arg, &shown);
	GENERAL_NAMES_free(rows);
	return shown;
}

/* Owned; NULL: none, or one that no authority of ours has signed. */
static X509 *certificate_of(const struct tap_link *link)
{
	return link->tls != NULL && link->shaken && SSL_get_verify_result(link->tls) == X509_V_OK ?
		SSL_get1_peer_certificate(link->tls) : NULL;
}

bool tap_link_is_certified(const struct tap_link *link)
{
	X509 *certificate = certificate_of(link);

	X509_free(certificate);
	return certificate != NULL;
}

bool tap_link_is_revoked(const struct tap_link *link, const struct tap_socket *opened)
{
	X509 *certificate = opened->tls == NULL ? NULL : certificate_of(link);
	X509_STORE_CTX *check = certificate == NULL ? NULL : X509_STORE_CTX_new();
	bool fine = check != NULL && X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(opened->tls), certificate,
		SSL_get_peer_cert_chain(link->tls)) == 1 && X509_STORE_CTX_set_default(check, "ssl_client") == 1 &&
		X509_verify_cert(check) == 1;

	X509_STORE_CTX_free(check);
	X509_free(certificate);
	ERR_clear_error();
	return certificate != NULL && !fine;
}

unsigned tap_link_names(const struct tap_link *link, bool (*visit)(void *arg, const char *name), void *arg)
{
	X509 *certificate = certificate_of(link);
	unsigned shown = certificate == NULL ? 0 : show_names(certificate, visit, arg);

	X509_free(certificate);
	return shown;
}

bool tap_link_holds(const struct tap_link *link)
{
	return link->tls != NULL && SSL_has_pending(link->tls) == 1;
}

bool tap_link_write(struct tap_link *link, const void *octets, size_t count)
{
	if (link->tls == NULL)
		return send(link->fd, octets, count, MSG_NOSIGNAL) == (ssize_t)count;
	ERR_clear_error();
	return SSL_write(link->tls, octets, (int)count) == (int)count;
}
