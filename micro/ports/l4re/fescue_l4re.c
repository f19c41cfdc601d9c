/* The agent as a task of L4Re: docs/how-to/microkernels.md.
 *
 *     fescue-l4re ID [KEY]
 *
 * Its line is the Vcon capability "line" of its environment, or else its console. Both
 * are shared with people and are not 8-bit clean: it speaks the text-safe mode. */
#include <l4/re/env.h>
#include <l4/sys/kip.h>
#include <l4/sys/vcon.h>
#include <l4/util/util.h>

#include <string.h>

#include "../task/task.h"

enum { PAUSE = 2 }; /* ms between two looks at a line on which nothing comes */

static l4_cap_idx_t line;

static uint16_t read_line(void *context, uint8_t *p, uint16_t n)
{
	int count = l4_vcon_read(line, (char *)p, n);
	(void)context;
	if (count <= 0) {
		l4_sleep(PAUSE);
		return 0;
	}
	return count > n ? n : (uint16_t)count; /* more than n: there is more to come */
}

static void write_line(void *context, const uint8_t *p, uint16_t n)
{
	(void)context;
	while (n > 0) {
		long written = l4_vcon_write(line, (const char *)p, n);
		if (written <= 0)
			return; /* the packet is lost, and sent again */
		p += written;
		n = (uint16_t)(n - written);
	}
}

static uint64_t microseconds(void) { return l4_kip_clock(l4re_kip()); }

static uint32_t millis(void *context)
{
	(void)context;
	return (uint32_t)(microseconds() / 1000);
}

static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

static const uint8_t *parse_key(const char *hex)
{
	static uint8_t key[32];
	if (strlen(hex) != 2 * sizeof key)
		return NULL;
	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return key;
}

int main(int argc, char **argv)
{
	l4_vcon_attr_t attributes;
	line = l4re_env_get_cap("line");
	if (l4_is_invalid_cap(line))
		line = l4re_env()->log;
	l4_vcon_get_attr(line, &attributes);
	l4_vcon_set_attr_raw(&attributes);
	l4_vcon_set_attr(line, &attributes);
	/* The clock begins with the kernel, so that start differs little between two starts:
	 * a device with a key wants a number that is kept instead. */
	fescue_task task = {.read = read_line, .write = write_line, .millis = millis, .start = (uint32_t)microseconds(), .line = FESCUE_TEXT,
	                    .id = argc > 1 ? argv[1] : "board-1", .platform = "micro/l4re", .key = argc > 2 ? parse_key(argv[2]) : NULL};
	fescue_task_run(&task);
	return 0;
}
