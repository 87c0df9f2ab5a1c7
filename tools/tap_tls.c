/* tap_tls.c: what a place that speaks TLS is set up by. */
#include "tools/tap_tls.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "tools/term.h"

int tap_complain(const char *text, const char *what, const char *why)
{
	char safe[256];

	term_escape(safe, sizeof(safe), text, strlen(text));
	fprintf(stderr, "verdictctl: %s: %s%s%s\n", safe, what, why != NULL ? ": " : "", why != NULL ? why : "");
	return -1;
}

void tap_tls_reason(char *to, size_t cap)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);

	snprintf(to, cap, "TLS: %s", reason != NULL ? reason : "it ended without a word");
	ERR_clear_error();
}

static int tls_complain(const char *file, const char *what)
{
	char reason[128];

	tap_tls_reason(reason, sizeof(reason));
	return tap_complain(file, what, reason);
}

/* What client certificates are checked by. With a list of what is revoked, one that has run out, or is of another
 * authority, lets nobody in: who withholds the next list must not gain by it. */
int tap_tls_trust(SSL_CTX *tls, const struct tap_place *place)
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
	if (tap_tls_trust(tls, place) != 0)
		return -1;
	SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(place->client_ca));
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

SSL_CTX *tap_tls_create(const struct tap_place *place)
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
