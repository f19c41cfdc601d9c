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
 *     clang --target=wasm32 -Os -nostdlib -Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=512 -o f.wasm f.c */
#ifndef FESCUE_H
#define FESCUE_H

#ifdef __cplusplus
extern "C" {
#endif

#define FESCUE_IMPORT(name) __attribute__((import_module("fescue"), import_name(#name))) extern
#define FESCUE_HANDLER __attribute__((export_name("handle")))

/* Codes that are given back negative. */
enum fescue_code {
	FESCUE_DENIED = 4, FESCUE_INVALID_TOPIC = 5, FESCUE_TOO_LARGE = 6, FESCUE_TIMEOUT = 11, FESCUE_OVERFLOW = 12,
	FESCUE_UNSUPPORTED = 13, FESCUE_NOT_FOUND = 16
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

/* The length of a literal, for the calls above: fescue_log(FESCUE_INFO, FESCUE_TEXT("up")). */
#define FESCUE_TEXT(literal) (literal), (sizeof(literal) - 1)

#ifdef __cplusplus
}
#endif

#endif
