/*
 * conf_value.h: the types of configuration values: text in, value out, or what is wrong and what would be right.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_CONF_VALUE_H
#define POLICY_CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#define CONF_WRONG_MAX 256

enum conf_type {
	TYPE_TEXT,        /* char[max]: printable ASCII */
	TYPE_LIST_NAME,   /* char[max]: letters, digits, '.', '_', '-' */
	TYPE_GROUP_NAME,  /* the same, but not "default" */
	TYPE_GROUP,       /* char[max]: the name of a group that is there */
	TYPE_ATTACK,      /* char[max]: ATT&CK ids separated by blanks */
	TYPE_STRING,      /* char *, owned: printable ASCII, at most max octets */
	TYPE_PATH,        /* char *, owned: relative to the file it stands in, at most max octets */
	TYPE_LOG,         /* the same, or "syslog" */
	TYPE_NUMBER,      /* uint32_t: min to max */
	TYPE_SIZE,        /* size_t: octets, min to max, with k, m or g; a power of two */
	TYPE_OCTETS,      /* the same, any number */
	TYPE_PERCENT,     /* uint32_t: min to max, a % behind it is fine */
	TYPE_FLAG,        /* bool: yes or no */
	TYPE_INVERSE,     /* bool: true for no, false for yes */
	TYPE_RRTYPES,     /* struct rrtypes: adds names of types separated by blanks, at most max in all */
	TYPE_CHOICE,      /* enum choice: yes or no */
	TYPE_MODE,        /* enum mode */
	TYPE_HTTPS,       /* enum https_mode */
	TYPE_TRAIT,       /* enum trait */
	TYPE_REACTION,    /* enum reaction */
	TYPE_EXPIRE,      /* enum expire_mode */
	TYPE_FORMAT,      /* enum list_format */
	TYPE_TRIGGER,     /* enum trigger */
	TYPE_FRAMES,      /* enum frames_mode */
	TYPE_FAIL,        /* enum fail_mode */
	TYPE_EDE_MODE,    /* enum ede_mode */
	TYPE_PRIVACY,     /* enum privacy_mode */
	TYPE_ACTION,      /* enum action */
	TYPE_DENIAL,         /* enum action: observe, or a denial that needs nothing else */
	TYPE_FLAG_ACTION,    /* enum action: nxdomain or refuse */
	TYPE_EDE,         /* int16_t */
	TYPE_ZONE,        /* struct name */
	TYPE_ADDRESS,     /* struct address */
	TYPE_NETWORK,     /* struct network: ADDRESS/PREFIX, or an address alone */
	TYPE_NAT64,       /* struct network: an IPv6 prefix as RFC 6052 has them */
	TYPE_INTERFACE,   /* struct network: the same, with @PORT perhaps */
	TYPE_COUNT
};

struct conf_limits {
	uint64_t min, max;
	const char *folder;    /* of relative paths, with its last '/'; "" when it is the current one */
};

/* Reads `text` as a `type` into *to. 0; -1: `wrong` of CONF_WRONG_MAX octets says why, *to is untouched. */
int conf_value_parse(enum conf_type type, const struct conf_limits *limits, const char *text, void *to, char *wrong);

/* TYPE_NETWORK, TYPE_NAT64 and TYPE_INTERFACE. */
int conf_network_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);
int conf_nat64_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);
int conf_interface_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);

/* TYPE_NUMBER, TYPE_PERCENT, TYPE_OCTETS and TYPE_SIZE. */
int conf_number_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);
int conf_percent_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);
int conf_octets_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);
int conf_size_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong);

/* A size as people write it, "1536k": with the largest unit that leaves no rest. Returns `to`. */
char *conf_size_print(uint64_t octets, char *to, size_t cap);

/* How the type is called: "number". */
const char *conf_type_name(enum conf_type type);

/* Its limits, for people: "0..86400", "yes|no"; "-": none. Returns `to`. */
char *conf_type_limits(enum conf_type type, const struct conf_limits *limits, char *to, size_t cap);

#endif
