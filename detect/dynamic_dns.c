/* dynamic_dns.c: zones of dynamic DNS, by provider. */
#include "detect/dynamic_dns.h"

const char *const dynamic_dns_zones[] = {
	/* afraid.org */
	"afraid.org", "chickenkiller.com", "crabdance.com", "ignorelist.com", "jumpingcrab.com", "mooo.com",
	"strangled.net", "twilightparadox.com", "us.to",
	/* changeip.com */
	"changeip.net", "ddns.info", "ddns.us", "dns-dns.com", "dynamic-dns.net", "dynssl.com", "freetcp.com",
	"ftp1.biz", "ftpserver.biz", "itsaol.com", "lflink.com", "mrbonus.com", "my03.com", "mypop3.net",
	"ns01.biz", "ns01.info", "ns01.us", "ns02.biz", "ns02.info", "ns02.us", "ocry.com", "onedumb.com", "otzo.com",
	"qpoe.com", "sendsmtp.com", "serveuser.com", "serveusers.com", "sexidude.com", "toh.info", "wikaba.com",
	"x24hr.com", "zyns.com", "zzux.com",
	/* duckdns.org */
	"duckdns.org",
	/* dyn.com */
	"dnsalias.com", "dnsalias.net", "dnsalias.org", "dyndns-home.com", "dyndns-ip.com", "dyndns-office.com",
	"dyndns-remote.com", "dyndns-server.com", "dyndns-work.com", "dyndns.biz", "dyndns.info", "dyndns.org",
	"dyndns.tv", "gotdns.com", "gotdns.org", "homedns.org", "homeip.net", "is-a-geek.com", "is-a-geek.net",
	"is-a-geek.org", "kicks-ass.net", "kicks-ass.org", "selfip.com", "selfip.info", "selfip.net", "selfip.org",
	/* dynu.com */
	"accesscam.org", "camdvr.org", "casacam.net", "ddnsfree.com", "ddnsgeek.com", "dynu.net", "freeddns.org",
	"giize.com", "gleeze.com", "kozow.com", "loseyourip.com", "mywire.org", "ooguy.com", "theworkpc.com",
	"webredirect.org",
	/* dy.fi, dynv6.com, spdyn, selfhost, goip, nsupdate.info, now-dns.com, cloudns.net */
	"cloudns.cc", "cloudns.cl", "cloudns.nz", "cloudns.ph", "dy.fi", "dynv6.net", "goip.de", "nsupdate.info",
	"dnsup.net", "myddns.rocks", "now-dns.net", "now-dns.org", "now-dns.top", "ntdll.top", "vpndns.net",
	"selfhost.eu", "spdns.de", "spdns.eu", "spdns.org",
	/* no-ip.com */
	"3utilities.com", "blogsyte.com", "bounceme.net", "ddns.net", "ddnsking.com", "freedynamicdns.net",
	"freedynamicdns.org", "gotdns.ch", "hopto.me", "hopto.org", "myddns.me", "myftp.biz", "myftp.org",
	"mysecuritycamera.com", "myvnc.com", "no-ip.biz", "no-ip.info", "no-ip.org", "noip.me", "noip.us",
	"onthewifi.com", "redirectme.net", "servebeer.com", "serveblog.net", "servecounterstrike.com",
	"serveftp.com", "servegame.com", "servehalflife.com", "servehttp.com", "serveirc.com", "serveminecraft.net",
	"servemp3.com", "servepics.com", "servequake.com", "sytes.net", "viewdns.net", "webhop.me", "zapto.org",
	/* dnsexit, dnsdynamic.org, duiadns, synology, qnap, asus, tp-link, mikrotik */
	"asuscomm.com", "dnsdynamic.org", "diskstation.me", "dsmynas.com", "dsmynas.net", "dsmynas.org", "familyds.com",
	"i234.me", "linkpc.net", "myasustor.com", "myqnapcloud.com", "myds.me", "mynetname.net", "publicvm.com",
	"synology.me", "tplinkdns.com",
	/* 3322.org and its like */
	"2288.org", "3322.net", "3322.org", "6600.org", "7766.org", "8800.org", "8866.org", "9966.org", "f3322.net",
	"f3322.org", "oicp.net", "oray.net", "vicp.cc", "vicp.net", "xicp.net",
};
const size_t dynamic_dns_count = sizeof(dynamic_dns_zones) / sizeof(dynamic_dns_zones[0]);
