/*
 * built_for.h: the record in the library that says which Unbound it was built for.
 *
 * One NUL-terminated text in a read-only segment: the prefix, Unbound's PACKAGE_STRING, a newline, and the arguments of
 * its configure. tools/fit.c looks for it in the file and knows the prefix by itself, since tools include nothing of
 * module; tests hold the two together.
 */
#ifndef MODULE_BUILT_FOR_H
#define MODULE_BUILT_FOR_H

#define BUILT_FOR_PREFIX "unbound-verdict fits: "

extern const char built_for[];

#endif
