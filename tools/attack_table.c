/* attack_table.c: techniques, a row each. */
#include "tools/attack_table.h"

#include <string.h>

const char *const tactic_names[TACTIC_COUNT] = {
	[TACTIC_RECONNAISSANCE] = "Reconnaissance",
	[TACTIC_RESOURCES] = "Resource Development",
	[TACTIC_ACCESS] = "Initial Access",
	[TACTIC_EXECUTION] = "Execution",
	[TACTIC_DISCOVERY] = "Discovery",
	[TACTIC_COMMAND] = "Command and Control",
	[TACTIC_EXFILTRATION] = "Exfiltration",
	[TACTIC_IMPACT] = "Impact",
	[TACTIC_OTHER] = "Others",
};

const struct attack_technique attack_table[] = {
	{ "T1590.002", "Gather Victim Network Information: DNS", TACTIC_RECONNAISSANCE },
	{ "T1595", "Active Scanning", TACTIC_RECONNAISSANCE },
	{ "T1598", "Phishing for Information", TACTIC_RECONNAISSANCE },
	{ "T1583.001", "Acquire Infrastructure: Domains", TACTIC_RESOURCES },
	{ "T1583.002", "Acquire Infrastructure: DNS Server", TACTIC_RESOURCES },
	{ "T1584.001", "Compromise Infrastructure: Domains", TACTIC_RESOURCES },
	{ "T1584.002", "Compromise Infrastructure: DNS Server", TACTIC_RESOURCES },
	{ "T1608", "Stage Capabilities", TACTIC_RESOURCES },
	{ "T1189", "Drive-by Compromise", TACTIC_ACCESS },
	{ "T1566", "Phishing", TACTIC_ACCESS },
	{ "T1566.002", "Phishing: Spearphishing Link", TACTIC_ACCESS },
	{ "T1204", "User Execution", TACTIC_EXECUTION },
	{ "T1204.001", "User Execution: Malicious Link", TACTIC_EXECUTION },
	{ "T1018", "Remote System Discovery", TACTIC_DISCOVERY },
	{ "T1046", "Network Service Discovery", TACTIC_DISCOVERY },
	{ "T1001", "Data Obfuscation", TACTIC_COMMAND },
	{ "T1008", "Fallback Channels", TACTIC_COMMAND },
	{ "T1071", "Application Layer Protocol", TACTIC_COMMAND },
	{ "T1071.001", "Application Layer Protocol: Web Protocols", TACTIC_COMMAND },
	{ "T1071.004", "Application Layer Protocol: DNS", TACTIC_COMMAND },
	{ "T1090", "Proxy", TACTIC_COMMAND },
	{ "T1102", "Web Service", TACTIC_COMMAND },
	{ "T1105", "Ingress Tool Transfer", TACTIC_COMMAND },
	{ "T1132", "Data Encoding", TACTIC_COMMAND },
	{ "T1219", "Remote Access Tools", TACTIC_COMMAND },
	{ "T1568", "Dynamic Resolution", TACTIC_COMMAND },
	{ "T1568.001", "Dynamic Resolution: Fast Flux DNS", TACTIC_COMMAND },
	{ "T1568.002", "Dynamic Resolution: Domain Generation Algorithms", TACTIC_COMMAND },
	{ "T1568.003", "Dynamic Resolution: DNS Calculation", TACTIC_COMMAND },
	{ "T1572", "Protocol Tunneling", TACTIC_COMMAND },
	{ "T1573", "Encrypted Channel", TACTIC_COMMAND },
	{ "T1030", "Data Transfer Size Limits", TACTIC_EXFILTRATION },
	{ "T1041", "Exfiltration Over C2 Channel", TACTIC_EXFILTRATION },
	{ "T1048", "Exfiltration Over Alternative Protocol", TACTIC_EXFILTRATION },
	{ "T1048.003", "Exfiltration Over Alternative Protocol: Exfiltration Over Unencrypted Non-C2 Protocol",
		TACTIC_EXFILTRATION },
	{ "T1567", "Exfiltration Over Web Service", TACTIC_EXFILTRATION },
	{ "T1486", "Data Encrypted for Impact", TACTIC_IMPACT },
	{ "T1496", "Resource Hijacking", TACTIC_IMPACT },
	{ "T1498", "Network Denial of Service", TACTIC_IMPACT },
	{ "T1499", "Endpoint Denial of Service", TACTIC_IMPACT },
	{ "T1499.002", "Endpoint Denial of Service: Service Exhaustion Flood", TACTIC_IMPACT },
};
const size_t attack_count = sizeof(attack_table) / sizeof(attack_table[0]);

const struct attack_technique *attack_find(const char *id)
{
	for (size_t i = 0; i < attack_count; i++)
		if (strcmp(attack_table[i].id, id) == 0)
			return &attack_table[i];
	return NULL;
}
