/* The agent on an ATmega2560 (Arduino Mega) or ATmega328P (Arduino Uno), without the
 * Arduino library: the first USART at 115200 baud, a timer, and functions in EEPROM.
 *
 * The board's name and key come from a header that `fescue micro provision NAME
 * --header` writes: FESCUE_DEVICE, FESCUE_KEY, and with --sign-key FESCUE_SIGN_KEY. With FESCUE_STORE_RAM functions
 * are kept in memory alone, for emulators without an EEPROM. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <string.h>

#ifndef FESCUE_STORE_RAM
#include <avr/eeprom.h>
#endif

#include "../../core/fescue_agent.h"

#ifdef __AVR_ATmega328P__
enum { DATA = 32, FRAME = 144, OUT = 132, STACK = 160, RING = 64 };
#ifdef FESCUE_STORE_RAM
enum { POOL = 288, HEAD = 128, SLOT = 352, SLOTS = 1 };
#else
enum { POOL = 480, HEAD = 160, SLOT = 480, SLOTS = 2 };
#endif
#define PLATFORM "micro/uno"
#else
enum { HEAD = 256, DATA = 64, FRAME = 192, OUT = 192, POOL = 1600, STACK = 384, RING = 256, SLOT = 1024, SLOTS = 2 };
#define PLATFORM "micro/mega"
#endif
enum { PAGE = 32 };
#if FESCUE_STATE
enum { STATE = 512 };
#else
enum { STATE = 0 };
#endif

static fescue_agent agent;
static fescue_port port;

/* --- the line -------------------------------------------------------------- */

static volatile uint8_t ring[RING], ring_in;
static uint8_t ring_out;

static void receive(void)
{
	ring[ring_in] = UDR0;
	ring_in = (uint8_t)((ring_in + 1) % RING);
}

#ifdef USART_RX_vect
ISR(USART_RX_vect) { receive(); }
#else
ISR(USART0_RX_vect) { receive(); }
#endif

static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	(void)context, (void)flush;
	while (n-- > 0) {
		while (!(UCSR0A & _BV(UDRE0)))
			;
		UDR0 = *p++;
	}
}

static void pump(void *context)
{
	(void)context;
	/* qemu's processor loses an interrupt now and then; the byte is still there. */
	cli();
	if (UCSR0A & _BV(RXC0))
		receive();
	sei();
	while (ring_out != ring_in) {
		uint8_t b = ring[ring_out];
		ring_out = (uint8_t)((ring_out + 1) % RING); /* first: what the byte leads to may come here again */
		fescue_link_input(&agent.link, b);
	}
}

/* --- time ------------------------------------------------------------------ */

static volatile uint32_t ticks;

/* Timer 1: the emulator has none of 8 bits. */
ISR(TIMER1_COMPA_vect) { ticks++; }

static uint32_t millis(void *context)
{
	(void)context;
	uint8_t status = SREG;
	cli();
	uint32_t now = ticks;
	SREG = status;
	return now;
}

static void begin(void)
{
	UCSR0A = _BV(U2X0);
	UBRR0 = F_CPU / 8 / 115200 - 1;
	UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
	UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
	TCCR1B = _BV(WGM12) | _BV(CS11) | _BV(CS10); /* a 64th of the clock */
	OCR1A = F_CPU / 64 / 1000 - 1;
	TIMSK1 = _BV(OCIE1A);
	sei();
}

/* --- the store: one byte is programmed at a time, and erased by writing 0xff ---- */

#ifdef FESCUE_STORE_RAM
static uint8_t store[SLOT * SLOTS + 2 * STATE];
static uint32_t boots;
static void put(fescue_at at, uint8_t b) { store[at] = b; }
static void count_boot(void) { memset(store, 0xff, sizeof store); }
#else
static uint8_t store[SLOT * SLOTS + 2 * STATE] EEMEM;
static uint32_t boots_kept EEMEM;
static uint32_t boots;
static void put(fescue_at at, uint8_t b) { eeprom_update_byte(store + at, b); }

static void count_boot(void)
{
	boots = eeprom_read_dword(&boots_kept) + 1;
	eeprom_update_dword(&boots_kept, boots);
}
#endif

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	while (n-- > 0)
		put(at++, *p++);
	return 1;
}

static uint8_t erase(fescue_at at)
{
	for (uint8_t i = 0; i < PAGE; i++)
		put(at + i, 0xff);
	return 1;
}

static void nonce(void *context, uint8_t out[8])
{
	static uint32_t count;
	(void)context;
	count++;
	memcpy(out, &boots, 4);
	memcpy(out + 4, &count, 4);
}

int main(void)
{
	static uint8_t in[DATA + 2 * FESCUE_PACKET_MOST], out[OUT], frame[FRAME], pool[POOL];
#ifdef FESCUE_KEY
	static const uint8_t key[32] = FESCUE_KEY;
	port.link.key = key;
#endif
#ifdef FESCUE_SIGN_KEY
	static const uint8_t sign_key[32] = FESCUE_SIGN_KEY;
	port.sign_key = sign_key;
#endif
	port.link.line = FESCUE_SERIAL;
	port.link.write = line_write;
	port.link.millis = millis;
	port.link.nonce = nonce;
	port.pump = pump;
	port.id = FESCUE_DEVICE;
	port.platform = PLATFORM;
	port.link.in = in;
	port.link.in_size = sizeof in;
	port.link.out = out;
	port.link.out_size = sizeof out;
	port.frame = frame;
	port.frame_size = sizeof frame;
	port.pool = pool;
	port.pool_size = sizeof pool;
	port.stack = STACK;
	port.flash = (fescue_flash){.base = store, .program = program, .erase = erase, .slot_size = SLOT, .head_size = HEAD, .page = PAGE, .unit = 1, .count = SLOTS};
#if FESCUE_STATE
	port.flash.state_at = SLOT * SLOTS;
	port.flash.state_size = STATE;
#endif
	begin();
	count_boot();
	fescue_agent_begin(&agent, &port);
	for (;;) {
		pump(NULL);
		fescue_agent_poll(&agent);
	}
}
