#include "net.h"

#include <string.h>

#include "board.h"

enum { ETHERNET = 14, ARP = 28, IP = 20, UDP = 8, HEADERS = ETHERNET + IP + UDP, LEAST = 60 };
enum { TYPE_ARP = 0x0806, TYPE_IP = 0x0800, ARP_REQUEST = 1, ARP_REPLY = 2, PROTOCOL_UDP = 17, OWN_PORT = 49152 };

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A number and the character that ends it, which is passed. */
static uint32_t number(const char **s, char end, uint8_t *good)
{
	uint32_t v = 0;
	const char *begin = *s;
	while (**s >= '0' && **s <= '9' && *s - begin < 5)
		v = v * 10 + (uint32_t)(*(*s)++ - '0');
	*good &= *s != begin && **s == end;
	if (**s != 0)
		(*s)++;
	return v;
}

static void address(const char **s, uint8_t ip[4], uint8_t *good)
{
	for (uint8_t i = 0; i < 4; i++)
		ip[i] = (uint8_t)number(s, i < 3 ? '.' : ':', good);
}

uint8_t net_begin(network *n, const char *line)
{
	uint8_t good = 1;
	if (strncmp(line, "udp:", 4) != 0)
		return 0;
	line += 4;
	memset(n, 0, sizeof *n);
	address(&line, n->ip, &good);
	address(&line, n->peer_ip, &good);
	n->peer_port = (uint16_t)number(&line, 0, &good);
	if (good)
		ethernet_begin(n->mac);
	return good;
}

/* Begins a frame to an address; NULL: to all. */
static void begin(const network *n, uint8_t *frame, const uint8_t *to, uint16_t type)
{
	if (to != NULL)
		memcpy(frame, to, 6);
	else
		memset(frame, 0xff, 6);
	memcpy(frame + 6, n->mac, 6);
	put16(frame + 12, type);
}

static void arp(const network *n, uint16_t operation, const uint8_t *to_mac, const uint8_t *to_ip)
{
	static const uint8_t kind[6] = {0, 1, TYPE_IP >> 8, 0, 6, 4}; /* of Ethernet and IPv4 */
	uint8_t frame[LEAST] = {0}, *p = frame + ETHERNET;
	begin(n, frame, to_mac, TYPE_ARP);
	memcpy(p, kind, sizeof kind);
	put16(p + 6, operation);
	memcpy(p + 8, n->mac, 6);
	memcpy(p + 14, n->ip, 4);
	if (to_mac != NULL)
		memcpy(p + 18, to_mac, 6);
	memcpy(p + 24, to_ip, 4);
	ethernet_send(frame, sizeof frame);
}

static void take_arp(network *n, const uint8_t *p, uint16_t length)
{
	if (length < ARP || memcmp(p + 24, n->ip, 4) != 0)
		return;
	if (memcmp(p + 14, n->peer_ip, 4) == 0) {
		memcpy(n->peer_mac, p + 8, 6);
		n->known = 1;
	}
	if (get16(p + 6) == ARP_REQUEST)
		arp(n, ARP_REPLY, p + 8, p + 14);
}

static uint16_t checksum(const uint8_t *header)
{
	uint32_t sum = 0;
	for (uint8_t i = 0; i < IP; i = (uint8_t)(i + 2))
		sum += get16(header + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

void net_send(network *n, const uint8_t *p, uint16_t length)
{
	static uint8_t frame[ETHERNET_MOST];
	uint8_t *ip = frame + ETHERNET, *udp = ip + IP;
	if (!n->known) { /* this one is lost */
		arp(n, ARP_REQUEST, NULL, n->peer_ip);
		return;
	}
	if (length > sizeof frame - HEADERS)
		return;
	memset(frame, 0, sizeof frame);
	begin(n, frame, n->peer_mac, TYPE_IP);
	ip[0] = 0x45; /* version 4, a header of five words */
	put16(ip + 2, (uint16_t)(IP + UDP + length));
	ip[8] = 64; /* hops */
	ip[9] = PROTOCOL_UDP;
	memcpy(ip + 12, n->ip, 4);
	memcpy(ip + 16, n->peer_ip, 4);
	put16(ip + 10, checksum(ip));
	put16(udp, OWN_PORT);
	put16(udp + 2, n->peer_port);
	put16(udp + 4, (uint16_t)(UDP + length)); /* without a checksum: packets have their own */
	memcpy(udp + UDP, p, length);
	length = (uint16_t)(length + HEADERS);
	ethernet_send(frame, length < LEAST ? LEAST : length);
}

/* The datagram in an IP packet: its length, 0 if it is not one for us. */
static uint16_t datagram(const network *n, const uint8_t *ip, uint16_t length)
{
	const uint8_t *udp = ip + IP;
	if (length < IP + UDP || ip[0] != 0x45 || checksum(ip) != 0 || (get16(ip + 6) & 0x3fff) != 0 || ip[9] != PROTOCOL_UDP)
		return 0;
	if (memcmp(ip + 12, n->peer_ip, 4) != 0 || memcmp(ip + 16, n->ip, 4) != 0 || get16(udp) != n->peer_port || get16(udp + 2) != OWN_PORT)
		return 0;
	uint16_t size = get16(udp + 4);
	return size < UDP || get16(ip + 2) > length || size > get16(ip + 2) - IP ? 0 : (uint16_t)(size - UDP);
}

uint16_t net_take(network *n, uint8_t *to, uint16_t most)
{
	static uint8_t frame[ETHERNET_MOST];
	for (uint16_t length; (length = ethernet_take(frame)) > 0;) {
		if (length < ETHERNET)
			continue;
		uint16_t type = get16(frame + 12), rest = (uint16_t)(length - ETHERNET);
		if (type == TYPE_ARP)
			take_arp(n, frame + ETHERNET, rest);
		uint16_t size = type == TYPE_IP ? datagram(n, frame + ETHERNET, rest) : 0;
		if (size > 0 && size <= most) {
			memcpy(to, frame + HEADERS, size);
			return size;
		}
	}
	return 0;
}
