/* The LAN9118, an Ethernet controller with FIFOs for both ways, as the MPS2 has it. It is
 * polled: what comes in between waits in 10 KB of it. */
#include "board.h"

#define LAN ((volatile uint32_t *)0x40200000)
enum {
	RX_DATA = 0x00 / 4, TX_DATA = 0x20 / 4, RX_STATUS = 0x40 / 4, TX_CONFIGURATION = 0x70 / 4, CONFIGURATION = 0x74 / 4,
	RX_FILL = 0x7c / 4, MAC_COMMAND = 0xa4 / 4, MAC_DATA = 0xa8 / 4
};
enum { MAC_CONTROL = 1, MAC_HIGH = 2, MAC_LOW = 3, MAC_SEND = 1 << 3, MAC_RECEIVE = 1 << 2 };
enum { RESET = 1, TX_ON = 2, FIRST = 1 << 13, LAST = 1 << 12, BAD = 1 << 15, CRC = 4 };
#define BUSY (1u << 31)
#define READ (1u << 30)

static void mac_wait(void)
{
	while (LAN[MAC_COMMAND] & BUSY)
		;
}

static uint32_t mac_get(uint8_t reg)
{
	LAN[MAC_COMMAND] = BUSY | READ | reg;
	mac_wait();
	return LAN[MAC_DATA];
}

static void mac_set(uint8_t reg, uint32_t value)
{
	LAN[MAC_DATA] = value;
	LAN[MAC_COMMAND] = BUSY | reg;
	mac_wait();
}

void ethernet_begin(uint8_t address[6])
{
	LAN[CONFIGURATION] = RESET;
	while (LAN[CONFIGURATION] & RESET)
		;
	uint32_t low = mac_get(MAC_LOW), high = mac_get(MAC_HIGH); /* of its EEPROM */
	for (uint8_t i = 0; i < 6; i++)
		address[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
	mac_set(MAC_CONTROL, MAC_SEND | MAC_RECEIVE);
	LAN[TX_CONFIGURATION] = TX_ON;
}

void ethernet_send(const uint8_t *frame, uint16_t n)
{
	LAN[TX_DATA] = FIRST | LAST | n;
	LAN[TX_DATA] = n;
	for (uint16_t i = 0; i < n; i = (uint16_t)(i + 4)) {
		uint32_t word = 0;
		for (uint8_t j = 0; j < 4 && i + j < n; j++)
			word |= (uint32_t)frame[i + j] << 8 * j;
		LAN[TX_DATA] = word;
	}
}

uint16_t ethernet_take(uint8_t frame[ETHERNET_MOST])
{
	while (LAN[RX_FILL] >> 16 & 0xff) {
		uint32_t status = LAN[RX_STATUS];
		uint16_t n = status >> 16 & 0x3fff;
		if (status & BAD || n < CRC || n - CRC > ETHERNET_MOST) {
			for (uint16_t i = 0; i < n; i = (uint16_t)(i + 4))
				(void)LAN[RX_DATA];
			continue;
		}
		n = (uint16_t)(n - CRC);
		for (uint16_t i = 0; i < n + CRC; i = (uint16_t)(i + 4)) {
			uint32_t word = LAN[RX_DATA];
			for (uint8_t j = 0; j < 4 && i + j < n; j++)
				frame[i + j] = (uint8_t)(word >> 8 * j);
		}
		return n;
	}
	return 0;
}
