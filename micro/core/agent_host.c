/* What functions may call: the module "fescue" of sdk/wasm.md. */
#include "agent_internal.h"

/* Names and types, in the order of the numbers. On a machine without 64-bit
 * integers the last ones cannot be asked for. */
enum {
	H_EVENT, H_TOPIC, H_REPLY, H_FAIL, H_PUBLISH, H_STATE_GET, H_STATE_SET, H_LOG,
	H_GPIO_MODE, H_GPIO_WRITE, H_GPIO_READ, H_ADC_READ, H_I2C, H_CLOCK, H_TIME
};
static const char names[] FESCUE_ROM = "event\0ii:i\0topic\0ii:i\0reply\0ii:i\0fail\0ii:\0publish\0iiii:i\0"
                                       "state_get\0iiii:i\0state_set\0iiii:i\0log\0iii:\0"
                                       "gpio_mode\0ii:i\0gpio_write\0ii:i\0gpio_read\0i:i\0adc_read\0i:i\0i2c\0iiiii:i\0"
#if FESCUE_VM_INT64
                                       "clock\0:I\0time\0:I\0"
#endif
	;
static const char module_name[] FESCUE_ROM = "fescue";

/* By number: at which arguments a pointer with a size behind it stands, four bits each,
 * plus one. */
static const uint8_t pointers[] FESCUE_ROM = {0x01, 0x01, 0x01, 0x01, 0x31, 0x01, 0x31, 0x02, 0, 0, 0, 0, 0x42, 0, 0};

static uint8_t is(const uint8_t *code, fescue_off n, const char *rom)
{
	for (; n > 0; n--)
		if (FESCUE_CODE_BYTE(code++) != FESCUE_ROM_BYTE(rom++))
			return 0;
	return FESCUE_ROM_BYTE(rom) == 0;
}

static const char *next(const char *rom)
{
	while (FESCUE_ROM_BYTE(rom++) != 0)
		;
	return rom;
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

uint8_t agent_host_bits(const fescue_agent *a)
{
	uint8_t bits = FESCUE_VM_INT64 ? 2 : 0;
	(void)a;
#if FESCUE_STATE
	bits |= a->port->flash.state_size > 0;
#endif
#if FESCUE_PINS
	bits = (uint8_t)(bits | (a->port->pin ? 4 : 0) | (a->port->adc ? 8 : 0) | (a->port->i2c ? 16 : 0));
#endif
	return bits;
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

/* What the settings of the function that runs grant it to publish on a topic: the gateway
 * checks it, too; this keeps a function from even asking. If it is the topic itself, with
 * its line's number, for FESCUE_NUMBERS. */
enum { NOT_GRANTED = 0xff, BY_FILTER = 0 };
static uint8_t granted(const fescue_agent *a, const uint8_t *topic, uint16_t n)
{
	static const char key[] FESCUE_ROM = "publish=";
	agent_settings s;
	uint8_t length;
	if (agent_settings_of(a, a->functions[a->running].slot, &s))
		for (const uint8_t *filter; (filter = agent_setting(&s, key, &length)) != NULL;)
			if (matches(filter, filter + length, topic, topic + n))
				return FESCUE_NUMBERS && length == n && s.line < 32 && fescue_flash_same(filter, topic, n) ? s.line : BY_FILTER;
	return NOT_GRANTED;
}

#if FESCUE_NUMBERS
/* Begins a PUBLISH with the number of the topic in a line of the settings, which is
 * registered first if it is not yet. */
static uint8_t begin_numbered(fescue_agent *a, uint8_t line, const uint8_t *topic, uint16_t topic_size, uint32_t n)
{
	fescue_function *f = &a->functions[a->running];
	uint32_t bit = (uint32_t)1 << line, id = (uint32_t)f->slot << 8 | line;
	if (!(f->registered & bit)) {
		if (!agent_begin_frame(a, F_REGISTER, id, topic_size))
			return 0;
		agent_put(a, topic, topic_size);
		agent_end_frame(a);
		f->registered |= bit;
	}
	return agent_begin_frame(a, F_PUBLISH, id, n);
}
#endif

#if FESCUE_PINS
/* Whether the settings grant a pin, a channel or a device by its number, or all by "*". */
static uint8_t granted_number(const fescue_agent *a, const char *key, uint32_t number)
{
	agent_settings s;
	uint8_t length, text[10], n = agent_digits(number, text);
	if (agent_settings_of(a, a->functions[a->running].slot, &s))
		for (const uint8_t *value; (value = agent_setting(&s, key, &length)) != NULL;)
			if ((length == 1 && FESCUE_CODE_BYTE(value) == '*') || (length == n && fescue_flash_same(value, text, n)))
				return 1;
	return 0;
}

static uint32_t call_pin(const fescue_agent *a, uint8_t operation, const fescue_slot *args)
{
	static const char gpio[] FESCUE_ROM = "gpio=", adc[] FESCUE_ROM = "adc=";
	const fescue_port *p = a->port;
	if (p->pin == NULL)
		return (uint32_t)-FESCUE_UNSUPPORTED;
	if (!granted_number(a, operation == FESCUE_PIN_ADC ? adc : gpio, args[0].i32))
		return (uint32_t)-FESCUE_DENIED;
	return (uint32_t)p->pin(p->link.context, operation, args[0].i32, operation < FESCUE_PIN_READ ? args[1].i32 : 0);
}

static uint32_t call_i2c(const fescue_agent *a, const fescue_vm *vm, const fescue_slot *args)
{
	static const char i2c[] FESCUE_ROM = "i2c=";
	const fescue_port *p = a->port;
	if (p->i2c == NULL)
		return (uint32_t)-FESCUE_UNSUPPORTED;
	if (args[0].i32 > 127 || !granted_number(a, i2c, args[0].i32))
		return (uint32_t)-FESCUE_DENIED;
	if ((args[2].i32 | args[4].i32) > 0xffff)
		return (uint32_t)-FESCUE_TOO_LARGE;
	return (uint32_t)p->i2c(p->link.context, (uint8_t)args[0].i32, vm->memory + args[1].i32, (uint16_t)args[2].i32,
	                        vm->memory + args[3].i32, (uint16_t)args[4].i32);
}
#endif

/* Whether so many bytes are more than a frame can carry. */
static uint8_t too_large(const fescue_agent *a, uint32_t n) { return n > a->peer_body || n + FESCUE_FRAME_HEAD > a->port->link.out_size; }

static uint32_t publish(fescue_agent *a, const uint8_t *topic, uint32_t topic_size, const uint8_t *p, uint32_t n)
{
	if (topic_size == 0 || topic_size > 1024)
		return (uint32_t)-FESCUE_INVALID_TOPIC;
	uint8_t line = granted(a, topic, (uint16_t)topic_size);
	if (line == NOT_GRANTED)
		return (uint32_t)-FESCUE_DENIED;
	if (n > 0xffffff || too_large(a, 2 + topic_size + n))
		return (uint32_t)-FESCUE_TOO_LARGE;
	if (!a->welcome)
		return (uint32_t)-FESCUE_OVERFLOW;
#if FESCUE_NUMBERS
	if (line != BY_FILTER) {
		if (!begin_numbered(a, line, topic, (uint16_t)topic_size, n))
			return (uint32_t)-FESCUE_OVERFLOW;
	} else
#endif
	{
		if (!agent_begin_frame(a, F_PUBLISHTO, 0, 2 + topic_size + n))
			return (uint32_t)-FESCUE_OVERFLOW;
		agent_put16(a, (uint16_t)topic_size);
		agent_put(a, topic, (uint16_t)topic_size);
	}
	agent_put(a, p, (uint16_t)n);
	agent_end_frame(a);
	return 0;
}

static void call_log(fescue_agent *a, uint32_t level, const uint8_t *text, uint32_t n)
{
	uint16_t most = (uint16_t)(a->port->link.out_size - FESCUE_FRAME_HEAD);
	if (a->welcome)
		agent_send(a, F_LOG, level, text, n < most ? (uint16_t)n : most);
}

/* The event or its topic: as much as there is room for, and the whole length. */
static uint32_t give(const fescue_agent *a, uint8_t number, uint8_t *to, uint32_t room)
{
	const uint8_t *p = number == H_EVENT ? a->event : a->topic;
	uint16_t n = number == H_EVENT ? a->event_length : a->topic_length;
	if (n && room)
		memcpy(to, p, n < room ? n : (uint16_t)room);
	return n;
}

/* reply and fail: the bytes stay where they are until the handler returns. */
static uint32_t keep(fescue_agent *a, uint8_t number, const uint8_t *p, uint32_t n)
{
	uint16_t most = (uint16_t)(a->port->link.out_size - FESCUE_FRAME_HEAD - 16);
	if (number == H_FAIL) {
		a->failed = 1;
		a->fail = p;
		a->fail_length = n < most ? (uint16_t)n : most;
		return 0;
	}
	if (too_large(a, n))
		return (uint32_t)-FESCUE_TOO_LARGE;
	a->reply = p;
	a->reply_length = (uint16_t)n;
	return 0;
}

#if FESCUE_STATE
/* state_get and state_set, of the function that runs. Of a value only what there is room
 * for is written, and must lie in the memory. */
static fescue_trap call_state(fescue_agent *a, fescue_vm *vm, uint8_t number, fescue_slot *args)
{
	const fescue_flash *f = &a->port->flash;
	const uint8_t *key = vm->memory + args[0].i32, *value;
	uint8_t name[FESCUE_NAME_MOST], slot = a->functions[a->running].slot;
	fescue_slot_head h;
	uint16_t n;
	if (!fescue_state_is_key(key, args[1].i32)) {
		args[0].i32 = (uint32_t)-FESCUE_INVALID_TOPIC;
		return FESCUE_TRAP_NONE;
	}
	fescue_slot_read(f, slot, &h);
	fescue_flash_read(name, fescue_slot_name(f, slot), h.name_length);
	fescue_state_key k = {name, key, h.name_length, (uint16_t)args[1].i32};
	if (number == H_STATE_SET) {
		fescue_state_status status = fescue_state_set(&a->state, &k, vm->memory + args[2].i32, args[3].i32);
		args[0].i32 = status == FESCUE_STATE_OK ? 0 : (uint32_t)-(status == FESCUE_STATE_FULL ? FESCUE_QUOTA : FESCUE_STORAGE);
		return FESCUE_TRAP_NONE;
	}
	value = fescue_state_find(&a->state, &k, &n);
	args[0].i32 = value == NULL ? (uint32_t)-FESCUE_NOT_FOUND : n;
	if (value == NULL)
		return FESCUE_TRAP_NONE;
	if (args[3].i32 < n)
		n = (uint16_t)args[3].i32;
	if (!fescue_vm_within(vm, args[2].i32, n))
		return FESCUE_TRAP_MEMORY;
	fescue_flash_read(vm->memory + args[2].i32, value, n);
	return FESCUE_TRAP_NONE;
}
#endif

static uint32_t number_of(fescue_agent *a, fescue_vm *vm, uint8_t number, fescue_slot *args)
{
	uint8_t *p = vm->memory + args[0].i32;
	uint32_t n = args[1].i32;
	switch (number) {
	case H_EVENT: case H_TOPIC: return give(a, number, p, n);
	case H_REPLY: case H_FAIL: return keep(a, number, p, n);
	case H_PUBLISH: return publish(a, p, n, vm->memory + args[2].i32, args[3].i32);
	case H_LOG: call_log(a, args[0].i32, vm->memory + n, args[2].i32); return 0;
#if FESCUE_PINS
	case H_GPIO_MODE: case H_GPIO_WRITE: case H_GPIO_READ: case H_ADC_READ:
		return call_pin(a, (uint8_t)(number - H_GPIO_MODE), args);
	case H_I2C: return call_i2c(a, vm, args);
#endif
	default: return (uint32_t)-FESCUE_UNSUPPORTED;
	}
}

#if FESCUE_VM_INT64
static uint64_t time_of(const fescue_agent *a, uint8_t number)
{
	uint32_t now = fescue_link_now(&a->link);
	if (number == H_CLOCK)
		return now;
	return a->time != 0 ? a->time + (now - a->time_at) : 0;
}
#endif

static fescue_trap call(fescue_vm *vm, unsigned import, fescue_slot *args)
{
	fescue_agent *a = vm->context;
	uint8_t number = (uint8_t)import;
#if FESCUE_VM_INT64
	if (number >= H_CLOCK) {
		args[0].i64 = time_of(a, number);
		return FESCUE_TRAP_NONE;
	}
#endif
	if (number <= H_TOPIC) {
		/* Of what is too large for the event only the beginning is written. */
		uint16_t n = number == H_EVENT ? a->event_length : a->topic_length;
		if (args[1].i32 > n)
			args[1].i32 = n;
	}
	for (uint8_t at = FESCUE_ROM_BYTE(&pointers[number]); at != 0; at >>= 4)
		if (!fescue_vm_within(vm, args[(at & 0x0f) - 1].i32, args[at & 0x0f].i32))
			return FESCUE_TRAP_MEMORY;
	uint32_t result = (uint32_t)-FESCUE_UNSUPPORTED;
	/* The buffers of an event are those of whatever frame started the function. */
	if (a->in_event || number >= H_LOG) {
#if FESCUE_STATE
		if ((number == H_STATE_GET || number == H_STATE_SET) && a->port->flash.state_size > 0)
			return call_state(a, vm, number, args);
#endif
		result = number_of(a, vm, number, args);
	}
	if (number != H_FAIL && number != H_LOG)
		args[0].i32 = result;
	return FESCUE_TRAP_NONE;
}

const fescue_host *agent_host(void)
{
	static const fescue_host host = {resolve, call};
	return &host;
}
