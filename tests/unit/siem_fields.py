"""The fields of ECS and OCSF that `verdictctl tap` writes, with their types; for tests of its output.

Written by hand. test_siem_fields.py compares them with checkouts of the schemas, where there are any."""
import ipaddress
import time

# Dotted names; [] is an element of an array. Types as ECS calls them.
ECS = {name: kind for kind, names in {
    "date": "@timestamp event.end event.start",
    "ip": "client.ip source.ip server.ip destination.ip dns.resolved_ip.[] related.ip.[]",
    "long": "client.port source.port server.port destination.port dns.answers.[].ttl event.duration event.sequence",
    "float": "event.risk_score event.risk_score_norm",
    "match_only_text": "error.message",
    "keyword": "ecs.version dns.answers.[].class dns.answers.[].data dns.answers.[].name dns.answers.[].type "
               "dns.header_flags.[] dns.id dns.op_code dns.question.class dns.question.name dns.question.type "
               "dns.response_code dns.type event.action event.category.[] event.dataset event.id event.kind event.module "
               "event.outcome event.reason event.type.[] http.version network.application network.protocol network.transport "
               "network.type observer.hostname observer.type observer.version related.hosts.[] rule.category rule.name "
               "rule.ruleset rule.version threat.framework threat.technique.id.[]",
    }.items() for name in names.split()}

# Types as OCSF's dictionary calls them.
OCSF = {name: kind for kind, names in {
    "integer_t": "class_uid category_uid activity_id severity_id action_id disposition_id metadata.sequence "
                 "connection_info.direction_id connection_info.protocol_num connection_info.protocol_ver_id opcode_id "
                 "flag_ids.[] risk_score risk_level_id query.packet_uid query.opcode_id rcode_id answers.[].ttl answers.[].packet_uid "
                 "answers.[].flag_ids.[] observables.[].type_id transaction_id",
    "port_t": "src_endpoint.port dst_endpoint.port",
    "long_t": "type_uid duration",
    "timestamp_t": "time query_time start_time response_time",
    "ip_t": "src_endpoint.ip dst_endpoint.ip",
    "boolean_t": "is_alert policy.is_applied",
    "hostname_t": "dst_endpoint.hostname query.hostname",
    "string_t": "class_name category_name activity_name severity action disposition status_detail metadata.version "
                "metadata.profiles.[] metadata.product.name metadata.product.version metadata.log_provider "
                "metadata.log_name metadata.uid metadata.original_time dst_endpoint.svc_name app_protocol_name "
                "connection_info.direction connection_info.protocol_name opcode query.type query.class query.opcode rcode "
                "answers.[].type answers.[].class answers.[].rdata observables.[].name observables.[].type "
                "observables.[].value firewall_rule.uid firewall_rule.name firewall_rule.type firewall_rule.category "
                "firewall_rule.match_location firewall_rule.match_details.[] policy.name policy.version "
                "attacks.[].technique.uid risk_details risk_level",
    }.items() for name in names.split()}
# Numbers that a field may have, and the words of some.
OCSF_NUMBERS = {
    "class_uid": {4003}, "category_uid": {4}, "activity_id": {0, 1, 2, 6, 99}, "severity_id": {0, 1, 2, 3, 4, 5, 6, 99},
    "action_id": {0, 1, 2, 3, 4, 99}, "disposition_id": {*range(28), 99}, "rcode_id": {*range(25), 99},
    "connection_info.direction_id": {0, 1, 2, 3, 99}, "connection_info.protocol_ver_id": {0, 4, 6, 99},
    "query.opcode_id": {*range(7), 99}, "opcode_id": {*range(7), 99}, "answers.[].flag_ids.[]": {*range(7), 99},
    "flag_ids.[]": {*range(7), 99}, "risk_level_id": {0, 1, 2, 3, 4, 99},
}
OCSF_WORDS = {"class_name": {"DNS Activity"}, "category_name": {"Network Activity"},
              "activity_name": {"Query", "Response", "Traffic", "Unknown"}}
ECS_WORDS = {
    "event.kind": {"alert", "event"}, "event.category.[]": {"network", "intrusion_detection"},
    "event.type.[]": {"allowed", "denied", "info", "protocol"}, "event.outcome": {"success", "failure", "unknown"},
    "dns.type": {"query", "answer"}, "network.type": {"ipv4", "ipv6"},
    "dns.header_flags.[]": {"AA", "TC", "RD", "RA", "AD", "CD", "DO"},
}
ECS_REQUIRED = "@timestamp", "ecs"

OCSF_REQUIRED = "class_uid category_uid activity_id type_uid time severity_id metadata".split()

# 1.9 has these in place of those under query and answers, which it still knows as deprecated. Both are written.
OCSF_SINCE_1_9 = {"transaction_id", "opcode", "opcode_id", "flag_ids.[]"}
OCSF_DEPRECATED_IN_1_9 = {"query.packet_uid", "query.opcode", "query.opcode_id", "answers.[].packet_uid",
                          "answers.[].flag_ids.[]"}


# Fields of the Common Output Format, their types, and those that must be there (draft-dulaunoy-dnsop-passive-dns-cof).
COF = {"rrname": str, "rrtype": (str, int), "rdata": list, "time_first": int, "time_last": int, "count": int, "sensor_id": str}
COF_REQUIRED = {"rrname", "rrtype", "rdata", "time_first", "time_last"}


def check_cof(found):
    """Also that no two have the same name, type, data and sensor."""
    seen = set()
    for one in found:
        assert COF_REQUIRED <= set(one) <= set(COF), one
        for key, value in one.items():
            assert isinstance(value, COF[key]) and not isinstance(value, bool), (key, value)
        assert one["rdata"] and all(isinstance(text, str) for text in one["rdata"]), one
        assert 0 <= one["time_first"] <= one["time_last"] and one.get("count", 1) > 0, one
        assert isinstance(one["rrtype"], str) or 0 <= one["rrtype"] < 65536, one
        place = one["rrname"], one["rrtype"], tuple(one["rdata"]), one.get("sensor_id")
        assert place not in seen, place
        seen.add(place)


def leaves(value, prefix=""):
    """Pairs of a dotted name and a value that is no object; of arrays each element."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, prefix + key + ".")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, prefix + "[].") if isinstance(inner, dict) else [(prefix + "[]", inner)]
    else:
        yield prefix[:-1], value


def fits(kind, value):
    if kind == "date":
        return isinstance(value, str) and len(value) == 30 and time.strptime(value[:19], "%Y-%m-%dT%H:%M:%S") is not None
    if kind in ("ip", "ip_t"):
        return ipaddress.ip_address(value) is not None
    if kind == "boolean_t":
        return isinstance(value, bool)
    if kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("long", "long_t", "timestamp_t", "integer_t", "port_t"):
        most = {"integer_t": 2**31, "port_t": 2**16}.get(kind, 2**63)
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most
    return isinstance(value, str)


def check_values(found, known):
    for one in found:
        for field, value in leaves(one):
            assert field not in known or value in known[field], (field, value)


def check(found, table, own):
    """Raises at a field that is not in the table or not of its type, but for the key `own`; returns those that were seen."""
    seen = set()
    for one in found:
        for field, value in leaves({key: inner for key, inner in one.items() if key != own}):
            assert field in table, "not in the schema: %s" % field
            assert fits(table[field], value), (field, table[field], value)
            seen.add(field)
    return seen
