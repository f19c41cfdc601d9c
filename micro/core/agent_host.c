/* What functions may call: the module "fescue" of sdk/wasm.md. */
#include "agent_internal.h"

/* Names and types, in the order of the numbers. On a machine without 64-bit
 * integers the last ones cannot be asked for. */
enum { H_EVENT, H_TOPIC, H_REPLY, H_FAIL, H_PUBLISH, H_STATE_GET, H_STATE_SET, H_LOG, H_CLOCK, H_TIME };
static const char names[] FESCUE_ROM = "event\0ii:i\0topic\0ii:i\0reply\0ii:i\0fail\0ii:\0publish\0iiii:i\0"
                                       "state_get\0iiii:i\0state_set\0iiii:i\0log\0iii:\0"
#if FESCUE_VM_INT64
                                       "clock\0:I\0time\0:I\0"
#endif
	;
static const char module_name[] FESCUE_ROM = "fescue";

static uint8_t is(const uint8_t *code, fescue_off n, const char *rom)
{
	for (fescue_off i = 0; i < n; i++)
		if (FESCUE_CODE_BYTE(code + i) != FESCUE_ROM_BYTE(rom + i))
			return 0;
	return FESCUE_ROM_BYTE(rom + n) == 0;
}

static const char *next(const char *rom)
{
	while (FESCUE_ROM_BYTE(rom) != 0)
		rom++;
	return rom + 1;
}

static int resolve(const fescue_vm *vm, const fescue_import *im)
{
	int number = 0;
	if (!is(im->module, im->module_length, module_name))
		return -1;
	for (const char *s = names; FESCUE_ROM_BYTE(s) != 0; s = next(next(s)), number++)
		if (is(im->name, im->name_length, s))
			return fescue_vm_type_is(vm, im->type, next(s)) ? number : -1;
	return -1;
}

/* Copies at most the room that the function has; tells the whole length. */
static fescue_trap give(fescue_vm *vm, fescue_slot *args, const uint8_t *p, uint16_t n)
{
	uint32_t at = args[0].i32, room = args[1].i32;
	uint32_t part = n < room ? n : room;
	if (!fescue_vm_within(vm, at, part))
		return FESCUE_TRAP_MEMORY;
	if (part)
		memcpy(vm->memory + at, p, part);
	args[0].i32 = n;
	return FESCUE_TRAP_NONE;
}

/* Whether an MQTT filter, in flash, matches a topic. */
static uint8_t matches(const uint8_t *f, const uint8_t *f_end, const uint8_t *t, const uint8_t *t_end)
{
	for (;;) {
		uint8_t c = f < f_end ? FESCUE_CODE_BYTE(f) : 0;
		if (c == '#')
			return 1;
		if (c == '+') {
			while (t < t_end && *t != '/')
				t++;
			f++;
		} else {
			while (f < f_end && t < t_end && FESCUE_CODE_BYTE(f) == *t && *t != '/')
				f++, t++;
		}
		if (f == f_end && t == t_end)
			return 1;
		if (t == t_end) /* "a/#" matches "a", too */
			return f_end - f == 2 && FESCUE_CODE_BYTE(f) == '/' && FESCUE_CODE_BYTE(f + 1) == '#';
		if (f == f_end || FESCUE_CODE_BYTE(f) != '/' || *t != '/')
			return 0;
		f++, t++;
	}
}

/* Whether the settings of the function that runs grant it to publish on a topic. The
 * gateway checks it, too; this keeps a function from even asking. */
static uint8_t granted(const fescue_agent *a, const uint8_t *topic, uint16_t n)
{
	static const char publish[] FESCUE_ROM = "publish=";
	uint8_t slot = a->functions[a->running].slot;
	fescue_slot_head h;
	if (slot == FESCUE_NO_SLOT || !fescue_slot_read(&a->port->flash, slot, &h))
		return 0;
	const uint8_t *s = fescue_slot_settings(&a->port->flash, slot, &h), *end = s + h.settings_length;
	while (s < end) {
		uint8_t i = 0;
		while (i < sizeof publish - 1 && s + i < end && FESCUE_CODE_BYTE(s + i) == FESCUE_ROM_BYTE(&publish[i]))
			i++;
		const uint8_t *filter = s + i;
		for (s = filter; s < end && FESCUE_CODE_BYTE(s) != '\n';)
			s++;
		if (i == sizeof publish - 1 && matches(filter, s, topic, topic + n))
			return 1;
		s++;
	}
	return 0;
}

static uint32_t publish(fescue_agent *a, const uint8_t *topic, uint32_t topic_length, const uint8_t *p, uint32_t n)
{
	if (topic_length == 0 || topic_length > 1024)
		return (uint32_t)-FESCUE_INVALID_TOPIC;
	if (!granted(a, topic, (uint16_t)topic_length))
		return (uint32_t)-FESCUE_DENIED;
	uint32_t length = 2 + topic_length + n;
	if (length > a->peer_body || length + FESCUE_FRAME_HEAD > a->port->out_size)
		return (uint32_t)-FESCUE_TOO_LARGE;
	if (!a->welcome || !agent_begin_frame(a, F_PUBLISHTO, 0, length))
		return (uint32_t)-FESCUE_OVERFLOW;
	agent_put16(a, (uint16_t)topic_length);
	agent_put(a, topic, (uint16_t)topic_length);
	agent_put(a, p, (uint16_t)n);
	agent_end_frame(a);
	return 0;
}

static fescue_trap call_publish(fescue_agent *a, fescue_vm *vm, fescue_slot *args)
{
	if (!fescue_vm_within(vm, args[0].i32, args[1].i32) || !fescue_vm_within(vm, args[2].i32, args[3].i32))
		return FESCUE_TRAP_MEMORY;
	args[0].i32 = publish(a, vm->memory + args[0].i32, args[1].i32, vm->memory + args[2].i32, args[3].i32);
	return FESCUE_TRAP_NONE;
}

static fescue_trap call_log(fescue_agent *a, fescue_vm *vm, fescue_slot *args)
{
	uint32_t level = args[0].i32, n = args[2].i32, most = a->port->out_size - FESCUE_FRAME_HEAD;
	if (!fescue_vm_within(vm, args[1].i32, n))
		return FESCUE_TRAP_MEMORY;
	if (a->welcome)
		agent_send(a, F_LOG, level, vm->memory + args[1].i32, (uint16_t)(n < most ? n : most));
	return FESCUE_TRAP_NONE;
}

/* reply and fail: the bytes stay where they are until the handler returns. */
static fescue_trap call_reply(fescue_agent *a, fescue_vm *vm, fescue_slot *args)
{
	uint32_t at = args[0].i32, n = args[1].i32;
	if (!fescue_vm_within(vm, at, n))
		return FESCUE_TRAP_MEMORY;
	if (n > a->peer_body || n + FESCUE_FRAME_HEAD > a->port->out_size) {
		args[0].i32 = (uint32_t)-FESCUE_TOO_LARGE;
		return FESCUE_TRAP_NONE;
	}
	a->reply_at = at;
	a->reply_length = n;
	args[0].i32 = 0;
	return FESCUE_TRAP_NONE;
}

static fescue_trap call_fail(fescue_agent *a, fescue_vm *vm, fescue_slot *args)
{
	uint32_t most = a->port->out_size - FESCUE_FRAME_HEAD - 16;
	if (!fescue_vm_within(vm, args[0].i32, args[1].i32))
		return FESCUE_TRAP_MEMORY;
	a->failed = 1;
	a->fail_at = args[0].i32;
	a->fail_length = args[1].i32 < most ? args[1].i32 : most;
	return FESCUE_TRAP_NONE;
}

static fescue_trap call(fescue_vm *vm, unsigned number, fescue_slot *args)
{
	fescue_agent *a = vm->context;
	if (!a->in_event && number < H_CLOCK) {
		if (number != H_LOG && number != H_FAIL)
			args[0].i32 = (uint32_t)-FESCUE_UNSUPPORTED;
		return FESCUE_TRAP_NONE;
	}
	switch (number) {
	case H_STATE_GET:
	case H_STATE_SET: args[0].i32 = (uint32_t)-FESCUE_UNSUPPORTED; return FESCUE_TRAP_NONE; /* no store here */
	case H_EVENT: return give(vm, args, a->event, a->event_length);
	case H_TOPIC: return give(vm, args, a->topic, a->topic_length);
	case H_REPLY: return call_reply(a, vm, args);
	case H_FAIL: return call_fail(a, vm, args);
	case H_PUBLISH: return call_publish(a, vm, args);
	case H_LOG: return call_log(a, vm, args);
#if FESCUE_VM_INT64
	case H_CLOCK: args[0].i64 = a->port->millis(a->port->context); return FESCUE_TRAP_NONE;
	case H_TIME: args[0].i64 = 0; return FESCUE_TRAP_NONE; /* not known */
#endif
	default: return FESCUE_TRAP_HOST;
	}
}

const fescue_host *agent_host(void)
{
	static const fescue_host host = {resolve, call};
	return &host;
}
