/* What a function compiled to WebAssembly may call, on a Linux device and on a
 * microcontroller alike; sdk/wasm.md says what each does.
 *
 *     #include <fescue.h>
 *
 *     FESCUE_HANDLER int handle(void)
 *     {
 *         char name[32];
 *         int n = fescue_event(name, sizeof name);
 *         return fescue_reply(name, n);
 *     }
 *
 * `fescue build` compiles it; by hand:
 *
 *     clang --target=wasm32 -Os -nostdlib -Wl,--no-entry,--stack-first,-z,stack-size=512,--strip-all -o f.wasm f.c */
#ifndef FESCUE_H
#define FESCUE_H

#ifdef __cplusplus
extern "C" {
#endif

#define FESCUE_IMPORT(name) __attribute__((import_module("fescue"), import_name(#name))) extern
#define FESCUE_HANDLER __attribute__((export_name("handle")))

/* Codes that are given back negative. */
enum fescue_code {
	FESCUE_DENIED = 4, FESCUE_INVALID_TOPIC = 5, FESCUE_TOO_LARGE = 6, FESCUE_NO_RESPONDER = 10, FESCUE_TIMEOUT = 11,
	FESCUE_OVERFLOW = 12, FESCUE_UNSUPPORTED = 13, FESCUE_NOT_FOUND = 16
};

enum fescue_level { FESCUE_DEBUG, FESCUE_INFO, FESCUE_WARNING, FESCUE_ERROR };

FESCUE_IMPORT(event) int fescue_event(void *to, unsigned size);
FESCUE_IMPORT(topic) int fescue_topic(char *to, unsigned size);
FESCUE_IMPORT(reply) int fescue_reply(const void *from, unsigned size);
FESCUE_IMPORT(fail) void fescue_fail(const char *message, unsigned size);
FESCUE_IMPORT(publish) int fescue_publish(const char *topic, unsigned topic_size, const void *payload, unsigned size);
FESCUE_IMPORT(state_get) int fescue_state_get(const char *key, unsigned key_size, void *to, unsigned size);
FESCUE_IMPORT(state_set) int fescue_state_set(const char *key, unsigned key_size, const void *from, unsigned size);
FESCUE_IMPORT(log) void fescue_log(enum fescue_level level, const char *text, unsigned size);
FESCUE_IMPORT(clock) long long fescue_clock(void);
FESCUE_IMPORT(time) long long fescue_time(void);

/* A board's pins, as `resources.pins` grants them. They may be used in _initialize, too. */
enum fescue_gpio { FESCUE_INPUT, FESCUE_OUTPUT, FESCUE_INPUT_PULLUP };

FESCUE_IMPORT(gpio_mode) int fescue_gpio_mode(unsigned pin, enum fescue_gpio mode);
FESCUE_IMPORT(gpio_write) int fescue_gpio_write(unsigned pin, int level);
FESCUE_IMPORT(gpio_read) int fescue_gpio_read(unsigned pin);
FESCUE_IMPORT(adc_read) int fescue_adc_read(unsigned pin);
FESCUE_IMPORT(i2c) int fescue_i2c(unsigned address, const void *out, unsigned out_size, void *in, unsigned in_size);

/* The length of a literal, for the calls above: fescue_log(FESCUE_INFO, FESCUE_TEXT("up")). */
#define FESCUE_TEXT(literal) (literal), (sizeof(literal) - 1)

#ifdef __cplusplus
/* Constructors of global objects run once, when the module is set up; without this they
 * would before each event. */
void __wasm_call_ctors(void);
__attribute__((export_name("_initialize"), weak)) void _initialize(void) { __wasm_call_ctors(); }
}
#endif

#endif
