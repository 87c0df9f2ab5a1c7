/*
 * slice_forget.h: takes the events of clients out of the slices of a day file.
 *
 * Threads: those of the connection.
 */
#ifndef STORE_SLICE_FORGET_H
#define STORE_SLICE_FORGET_H

#include <sqlite3.h>

/* Inside the caller's transaction. `clients` is a SELECT of their ids. SQLite's code; a file of a release
 * without slices is fine. */
int slice_forget(sqlite3 *db, const char *clients);

#endif
