/* What the files of the agent share; not for ports. */
#ifndef FESCUE_AGENT_INTERNAL_H
#define FESCUE_AGENT_INTERNAL_H

#include <string.h>

#include "fescue_agent.h"

/* Types of frames. */
enum {
	F_HELLO = 0x01, F_WELCOME = 0x02, F_ERROR = 0x03, F_PING = 0x04, F_PONG = 0x05, F_GOODBYE = 0x06, F_OK = 0x07,
	F_PUBLISHTO = 0x21, F_READY = 0x30, F_INVOKE = 0x31, F_RESULT = 0x32, F_FAILURE = 0x33, F_CANCEL = 0x34, F_LOG = 0x40,
	F_OFFER = 0x50, F_ACCEPT = 0x51, F_CHUNK = 0x52, F_PROGRESS = 0x53, F_COMMIT = 0x54, F_COMMITTED = 0x55, F_ABORT = 0x56,
	F_REMOVE = 0x57, F_LIST = 0x58, F_HELD = 0x59
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

/* A string of a frame: where it is; the place behind it, or NULL if the body is
 * too short. */
const uint8_t *agent_string(const uint8_t *p, const uint8_t *end, const uint8_t **s, uint16_t *n);

/* Modules (agent_modules.c). */
void agent_offer(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);
void agent_chunk(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);
void agent_commit(fescue_agent *a, uint32_t id);
void agent_remove(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);
void agent_list(fescue_agent *a, uint32_t id);

/* Functions (agent_run.c). */
void agent_start_all(fescue_agent *a);
fescue_vm_status agent_check(fescue_agent *a, uint8_t slot);
void agent_restart(fescue_agent *a, uint32_t transfer);
void agent_invoke(fescue_agent *a, uint32_t id, const uint8_t *p, uint16_t n);

/* The interface of functions (agent_host.c). */
const fescue_host *agent_host(void);

#endif
