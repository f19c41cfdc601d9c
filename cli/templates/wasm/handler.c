/* Answers a number with its double. What a module can call is in sdk/wasm.md. */

#define FESCUE(name) __attribute__((import_module("fescue"), import_name(#name))) extern
FESCUE(event) int fescue_event(void *to, unsigned size);
FESCUE(reply) int fescue_reply(const void *from, unsigned size);
FESCUE(fail) void fescue_fail(const void *text, unsigned size);

static char text[16];

__attribute__((export_name("handle"))) int handle(void)
{
	static const char wrong[] = "the event is not a number of at most 8 digits";
	unsigned value = 0;
	int n = fescue_event(text, sizeof text), at = sizeof text;
	for (int i = 0; i < n; i++) {
		if (n > 8 || text[i] < '0' || text[i] > '9') {
			fescue_fail(wrong, sizeof wrong - 1);
			return 1;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	value *= 2;
	do
		text[--at] = (char)('0' + value % 10);
	while (value /= 10);
	return fescue_reply(text + at, sizeof text - (unsigned)at);
}
