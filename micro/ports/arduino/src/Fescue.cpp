#include "Fescue.h"

#include <string.h>

FescueAgent Fescue;

// Memory and slots, by processor.
#if defined(__AVR__)
enum { DATA = 48, FRAME = 192, OUT = 192, POOL = 1600, STACK = 384, SLOT = 1024, HEAD = 256, PAGE = 32, SLOTS = 2, STATE = 512 };
#else
enum { DATA = 128, FRAME = 512, OUT = 512, POOL = 8192 * FESCUE_FUNCTIONS, STACK = 1024, SLOT = 4096, HEAD = 512, PAGE = 256, SLOTS = 2 * FESCUE_FUNCTIONS, STATE = 0 }; // which would be gone with the power
#endif

// --- where functions lie: one byte is programmed at a time, and erased by 0xff -------

#if defined(__AVR__) && !defined(FESCUE_STORE_RAM)
static uint8_t store[SLOT * SLOTS + 2 * STATE] EEMEM;
static uint32_t boots EEMEM;
static void put(fescue_at at, uint8_t b) { eeprom_update_byte(store + at, b); }
static void beginStore() {}

static uint32_t countBoot()
{
	uint32_t n = eeprom_read_dword(&boots) + 1;
	eeprom_update_dword(&boots, n);
	return n;
}
#else
static uint8_t store[SLOT * SLOTS + 2 * STATE] __attribute__((aligned(8)));
static void put(fescue_at at, uint8_t b) { store[at] = b; }
static void beginStore() { memset(store, 0xff, sizeof store); }
static uint32_t countBoot() { return (uint32_t)random(0x7fffffff); } // seed it by noise before begin()
#endif

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	while (n-- > 0)
		put(at++, *p++);
	return 1;
}

static uint8_t erase(fescue_at at)
{
	for (uint16_t i = 0; i < PAGE; i++)
		put(at + i, 0xff);
	return 1;
}

// --- pins ----------------------------------------------------------------------------

#if FESCUE_PINS
static int32_t pin(void *, uint8_t operation, uint32_t number, uint32_t value)
{
	if (number > 0xff)
		return -FESCUE_NOT_FOUND;
	switch (operation) {
	case FESCUE_PIN_MODE:
		pinMode(number, value == 1 ? OUTPUT : value == 2 ? INPUT_PULLUP : INPUT);
		return 0;
	case FESCUE_PIN_WRITE:
		digitalWrite(number, value ? HIGH : LOW);
		return 0;
	case FESCUE_PIN_READ:
		return digitalRead(number);
	default:
		return analogRead(number);
	}
}
#endif

// --- the agent -----------------------------------------------------------------------

void FescueAgent::write(void *self, const uint8_t *p, uint16_t n, uint8_t)
{
	static_cast<FescueAgent *>(self)->line->write(p, n);
}

uint32_t FescueAgent::milliseconds(void *self)
{
	FescueAgent *f = static_cast<FescueAgent *>(self);
	return f->now != NULL ? f->now() : millis();
}

// A number of this start, and one of this session: never the same again.
void FescueAgent::nonce(void *self, uint8_t out[8])
{
	static uint32_t boot = countBoot();
	FescueAgent *f = static_cast<FescueAgent *>(self);
	f->nonces++;
	memcpy(out, &boot, 4);
	memcpy(out + 4, &f->nonces, 4);
}

void FescueAgent::pump(void *self)
{
	FescueAgent *f = static_cast<FescueAgent *>(self);
	for (int b; (b = f->line->read()) >= 0;)
		fescue_link_input(&f->agent.link, (uint8_t)b);
}

void FescueAgent::begin(Stream &on, const char *id, const uint8_t *key, const char *platform)
{
	static uint8_t in[DATA + 2 * FESCUE_PACKET_MOST], out[OUT], frame[FRAME], pool[POOL] __attribute__((aligned(8)));
	line = &on;
	beginStore();
	memset(&port, 0, sizeof port);
	port.link.line = FESCUE_SERIAL;
	port.link.context = this;
	port.link.write = write;
	port.link.millis = milliseconds;
	port.link.nonce = nonce;
	port.link.in = in;
	port.link.in_size = sizeof in;
	port.link.out = out;
	port.link.out_size = sizeof out;
	port.link.key = key;
	port.pump = pump;
	port.id = id;
	port.platform = platform;
	port.frame = frame;
	port.frame_size = sizeof frame;
	port.pool = pool;
	port.pool_size = sizeof pool;
	port.stack = STACK;
#if FESCUE_SIGNATURES
	port.sign_key = signKey;
#endif
#if FESCUE_PINS
	port.pin = pin;
	port.adc = 1;
	port.i2c = bus;
#endif
	port.flash.base = store;
	port.flash.program = program;
	port.flash.erase = erase;
	port.flash.slot_size = SLOT;
	port.flash.head_size = HEAD;
	port.flash.page = PAGE;
	port.flash.unit = 1;
	port.flash.count = SLOTS;
	port.flash.state_at = SLOT * SLOTS;
	port.flash.state_size = STATE;
	fescue_agent_begin(&agent, &port);
}

void FescueAgent::poll()
{
	pump(this);
	fescue_agent_poll(&agent);
}

void FescueAgent::log(const char *text) { fescue_agent_log(&agent, 1, text); }
