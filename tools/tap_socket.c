/* tap_socket.c: sockets to listen at, and connections with or without TLS. */
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

#include "tools/tap_tls.h"

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

/* --- unix --------------------------------------------------------------------------------------------------- */

/* A socket file that nobody listens on is a leftover; one that answers is somebody else's. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat status;
	int fd, error;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? 0 : tap_complain(path, "cannot listen", strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return tap_complain(path, "is there already and is no socket; name another path", NULL);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return tap_complain(path, "cannot listen", strerror(errno));
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EAGAIN)
		return tap_complain(path, "another program listens there", NULL);
	if (error != ECONNREFUSED)
		return tap_complain(path, "is there already, and cannot be asked whether somebody listens", strerror(error));
	return unlink(path) == 0 ? 0 : tap_complain(path, "cannot remove the old socket", strerror(errno));
}

static int open_unix(const struct tap_place *place)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old_mask;
	int fd, result;

	if (strlen(place->path) >= sizeof(address.sun_path))
		return tap_complain(place->path, "too long for a socket, which has 107 octets", NULL);
	strcpy(address.sun_path, place->path);
	if (remove_stale(place->path, &address) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return tap_complain(place->path, "cannot listen", strerror(errno));
	old_mask = umask(0777 & ~place->mode);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(old_mask);
	if (result == 0)
		result = listen(fd, BACKLOG);
	if (result == 0)
		return fd;
	tap_complain(place->path, "cannot listen", strerror(errno));
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
		return tap_complain(place->text, "is no ADDRESS@PORT", NULL);
	memcpy(host, text, (size_t)(at - text));
	host[at - text] = '\0';
	wrong = getaddrinfo(host, at + 1, &hints, &rows);
	if (wrong != 0)
		return tap_complain(place->text, "is no ADDRESS@PORT", gai_strerror(wrong));
	fd = bind_first(rows);
	if (fd < 0)
		tap_complain(place->text, "cannot listen", strerror(errno));
	freeaddrinfo(rows);
	return fd;
}

struct tap_socket *tap_socket_open(const struct tap_place *place)
{
	struct tap_socket *opened = calloc(1, sizeof(*opened));

	if (opened == NULL)
		return NULL;
	opened->fd = -1;
	if (place->certificate != NULL && (opened->tls = tap_tls_create(place)) == NULL) {
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
	return opened->tls == NULL || place->crl == NULL || tap_tls_trust(opened->tls, place) == 0;
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
			tap_tls_reason(link->error, sizeof(link->error));
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
