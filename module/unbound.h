/*
 * unbound.h: every header of Unbound that the module uses, in the one order that works.
 *
 * Unbound's config.h decides the layout of its structures, so it comes first; ours has no config.h. Include this header
 * before any other.
 */
#ifndef MODULE_UNBOUND_H
#define MODULE_UNBOUND_H

#include "config.h"

#include <netdb.h>

#include "dynlibmod/dynlibmod.h"
#include "iterator/iter_delegpt.h"
#include "iterator/iterator.h"
#include "services/cache/dns.h"
#include "services/cache/rrset.h"
#include "services/listen_dnsport.h"
#include "services/mesh.h"
#include "sldns/pkthdr.h"
#include "sldns/rrdef.h"
#include "sldns/sbuffer.h"
#include "util/config_file.h"
#include "util/data/dname.h"
#include "util/data/msgencode.h"
#include "util/data/msgreply.h"
#include "util/data/packed_rrset.h"
#include "util/log.h"
#include "util/module.h"
#include "util/net_help.h"
#include "util/netevent.h"
#include "util/regional.h"
#include "util/storage/slabhash.h"
#include "util/ub_event.h"

#endif
