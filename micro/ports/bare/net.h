/* As much of ARP, IPv4 and UDP as it takes to talk with one address: no fragments, no
 * options, no routes but a neighbour. What is lost is sent again by the link. */
#ifndef FESCUE_NET_H
#define FESCUE_NET_H

#include <stdint.h>

typedef struct {
	uint8_t mac[6], ip[4]; /* our own */
	uint8_t peer_mac[6], peer_ip[4];
	uint16_t peer_port;
	uint8_t known; /* the peer's MAC address is */
} network;

/* "udp:OWN-ADDRESS:PEER-ADDRESS:PORT"; 0: it is not that. */
uint8_t net_begin(network *n, const char *line);

void net_send(network *n, const uint8_t *p, uint16_t length);

/* The next datagram of the peer that has at most so many bytes; 0: none. */
uint16_t net_take(network *n, uint8_t *to, uint16_t most);

#endif
