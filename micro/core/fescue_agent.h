/* The micro agent: what makes a microcontroller a device of Fescue. It speaks the
 * wire protocol (sdk/protocol.md) with a gateway, receives functions as WebAssembly
 * modules into slots, and runs them when they are invoked.
 *
 * A port fills fescue_port, calls begin() once and then, for ever, poll(), having
 * given what came from the line to fescue_link_input(&agent.link, byte). All of it
 * runs in one thread; only the port's receive buffer may be filled by an
 * interrupt. The porting guide is docs/how-to/port-micro.md. */
#ifndef FESCUE_AGENT_H
#define FESCUE_AGENT_H

#include "fescue_link.h"
#include "fescue_slots.h"
#include "fescue_state.h"
#include "fescue_vm.h"

/* How many functions run side by side; each has its part of the pool. */
#ifndef FESCUE_FUNCTIONS
#define FESCUE_FUNCTIONS 2
#endif

enum { FESCUE_FRAME_HEAD = 8 };

/* Codes of the wire protocol that the agent knows. */
enum {
	FESCUE_DENIED = 4, FESCUE_INVALID_TOPIC = 5, FESCUE_TOO_LARGE = 6, FESCUE_UNKNOWN_ID = 7, FESCUE_OVERFLOW = 12, FESCUE_UNSUPPORTED = 13,
	FESCUE_NOT_FOUND = 16, FESCUE_QUOTA = 18, FESCUE_STORAGE = 19, FESCUE_BAD_MODULE = 21, FESCUE_NO_ROOM = 22, FESCUE_BAD_DIGEST = 23
};

/* Operations on pins. */
enum { FESCUE_PIN_MODE, FESCUE_PIN_WRITE, FESCUE_PIN_READ, FESCUE_PIN_ADC };

typedef struct {
	/* The line: everything of it but received and changed. */
	fescue_link_options link;
	/* Gives what has come from the line to the link. Called while the agent waits
	 * for room to send. */
	void (*pump)(void *context);
	const char *id;       /* the device's name, as it is enrolled */
	const char *platform; /* "micro/uno" */
	fescue_flash flash;
	/* Memory: one frame's body, and the functions'. */
	uint8_t *frame;
	uint16_t frame_size;
	uint8_t *pool;
	uint32_t pool_size;
	uint32_t stack; /* bytes of the pool that a function has for operands and calls */
#if FESCUE_SIGNATURES
	/* A public key of 32 bytes: only modules that were signed with its private one are
	 * taken. NULL: all are. */
	const uint8_t *sign_key;
#endif
#if FESCUE_PINS
	/* An operation on a pin, or an analogue channel; what it gives, or a negative code.
	 * NULL: there are none. Only what the function's settings grant comes here. */
	int32_t (*pin)(void *context, uint8_t operation, uint32_t pin, uint32_t value);
	uint8_t adc; /* whether there are analogue inputs */
	/* Writes to a device on the I2C bus, then reads from it; either may be nothing. Gives
	 * the number of bytes read, or a negative code. */
	int32_t (*i2c)(void *context, uint8_t address, const uint8_t *out, uint16_t out_size, uint8_t *in, uint16_t in_size);
#endif
} fescue_port;

typedef struct {
	fescue_vm vm;
	uint8_t slot; /* FESCUE_NO_SLOT: none */
	uint8_t proven;
	uint8_t handler; /* its number among the exports' functions, plus one; 0: none */
	uint32_t fuel;
	uint32_t transfer; /* id of the transfer that brought it, for ABORT */
#if FESCUE_NUMBERS
	uint32_t registered; /* a bit for each line of its settings whose topic has a number in this session */
#endif
} fescue_function;

typedef struct {
	fescue_link link; /* the first member: its callbacks find the agent by it */
	const fescue_port *port;
	/* The frame that comes in. */
	uint8_t head[FESCUE_FRAME_HEAD];
	uint8_t head_count;
	uint16_t body_count;
	uint32_t body_left;
	uint8_t welcome, skipping;
	uint32_t peer_body; /* the largest body that the gateway accepts */
	fescue_ms heard_at;
	uint8_t pinged;
	/* The transfer under way. */
	uint32_t transfer;
	fescue_at offset, size;
	uint8_t transfer_slot;
	/* The invocation under way: the payload and topic lie in the frame. */
	const uint8_t *event, *topic;
	uint16_t event_length, topic_length;
	const uint8_t *reply, *fail; /* in the function's memory */
	uint16_t reply_length, fail_length;
	uint8_t failed;
	uint8_t running;  /* the function's number */
	uint8_t in_event; /* it handles an event; otherwise it is being started */
#if FESCUE_STATE
	fescue_state state;
#endif
#if FESCUE_VM_INT64
	uint64_t time; /* since 1970, when it was told … */
	uint32_t time_at; /* … and the port's milliseconds then */
#endif
	fescue_function functions[FESCUE_FUNCTIONS];
} fescue_agent;

/* The port stays in use; two of its fields are set here. */
void fescue_agent_begin(fescue_agent *a, fescue_port *port);
void fescue_agent_poll(fescue_agent *a);

/* For ports that have something to say: a line in the device's log. */
void fescue_agent_log(fescue_agent *a, uint8_t level, const char *text);

#endif
