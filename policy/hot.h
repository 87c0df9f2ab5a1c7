/*
 * hot.h: marks what every answer goes through.
 *
 * Such functions stand together in the library, whichever file they are of: an answer touches a quarter of the pages
 * of code that it would touch else, and Unbound and the system need most of those that a processor remembers.
 */
#ifndef POLICY_HOT_H
#define POLICY_HOT_H

#define HOT __attribute__((hot))

/* What hardly ever happens stands far away, and what leads there is taken for unlikely. */
#define RARE __attribute__((cold, noinline))

#endif
