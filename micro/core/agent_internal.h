/* What the files of the agent share; not for ports. */
#ifndef FESCUE_AGENT_INTERNAL_H
#define FESCUE_AGENT_INTERNAL_H

#include <string.h>

#include "fescue_agent.h"

/* Types of frames. */
enum {
	F_HELLO = 0x01, F_WELCOME = 0x02, F_ERROR = 0x03, F_PING = 0x04, F_PONG = 0x05, F_GOODBYE = 0x06, F_OK = 0x07,
	F_REGISTER = 0x10, F_UNREGISTER = 0x11, F_PUBLISH = 0x20, F_PUBLISHTO = 0x21, F_READY = 0x30, F_INVOKE = 0x31, F_RESULT = 0x32, F_FAILURE = 0x33, F_CANCEL = 0x34, F_LOG = 0x40,
	F_OFFER = 0x50, F_ACCEPT = 0x51, F_CHUNK = 0x52, F_PROGRESS = 0x53, F_COMMIT = 0x54, F_COMMITTED = 0x55, F_ABORT = 0x56,
	F_REMOVE = 0x57, F_LIST = 0x58, F_HELD = 0x59, F_TIME = 0x80
};

/* Sends a frame in parts: begin waits for room for all of it, and tells whether
 * the rest may follow; then parts, then end. */
uint8_t agent_begin_frame(fescue_agent *a, uint8_t type, uint32_t id, uint32_t length);
void agent_put(fescue_agent *a, const uint8_t *p, uint16_t n);
void agent_put16(fescue_agent *a, uint16_t v);
void agent_put32(fescue_agent *a, uint32_t v);
void agent_put_text(fescue_agent *a, const char *rom);
void agent_put_flash(fescue_agent *a, const uint8_t *p, uint16_t n);
void agent_end_frame(fescue_agent *a);
void agent_send(fescue_agent *a, uint8_t type, uint32_t id, const uint8_t *body, uint16_t n);
void agent_error(fescue_agent *a, uint8_t type, uint32_t id, uint16_t code);

uint16_t agent_get16(const uint8_t *p);
uint32_t agent_get32(const uint8_t *p);

/* A number in decimal; how many digits. */
uint8_t agent_digits(uint32_t v, uint8_t out[10]);

/* A string of a frame: where it is; the place behind it, or NULL if the body is
 * too short. */
const uint8_t *agent_string(const uint8_t *p, const uint8_t *end, const uint8_t **s, uint16_t *n);

/* The settings of a function, lines of KEY=VALUE in flash. */
typedef struct {
	const uint8_t *at, *end;
	uint8_t line; /* of the value found last, from 1 */
} agent_settings;

uint8_t agent_settings_of(const fescue_agent *a, uint8_t slot, agent_settings *s);
/* The next value of a key, which is in FESCUE_ROM and ends with "="; NULL: no more. */
const uint8_t *agent_setting(agent_settings *s, const char *key, uint8_t *length);

/* Modules (agent_modules.c). */
void agent_offer(fescue_agent *a, uint32_t id, uint8_t *p, uint16_t n);
void agent_chunk(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);
void agent_commit(fescue_agent *a, uint32_t id, const uint8_t *signature, uint16_t n);
void agent_remove(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);
void agent_list(fescue_agent *a, uint32_t id);

/* Functions (agent_run.c): all that should run, by their slots; the number of the
 * function with a name, of a free place if free is set, or FESCUE_NO_FUNCTION. */
enum { FESCUE_NO_FUNCTION = 0xff };
void agent_start_all(fescue_agent *a);
uint8_t agent_find(const fescue_agent *a, const uint8_t *name, uint16_t n, uint8_t free);
fescue_vm_status agent_check(fescue_agent *a, uint8_t number, uint8_t slot);
void agent_start(fescue_agent *a, uint8_t number, const uint8_t *name, uint8_t n, uint32_t transfer);
void agent_invoke(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);

/* The interface of functions (agent_host.c). */
const fescue_host *agent_host(void);
uint8_t agent_host_bits(const fescue_agent *a); /* "host" of HELLO */

#endif
