/* What the core is built with. Each of these may be set on the compiler's
 * command line; a port sets them once in its own build. */
#ifndef FESCUE_CONFIG_H
#define FESCUE_CONFIG_H

/* What an 8-bit processor has room for, if it is not told otherwise; the Arduino IDE
 * has no place to tell it. */
#ifdef __AVR__
#ifndef FESCUE_FUNCTIONS
#define FESCUE_FUNCTIONS 1
#endif
#ifndef FESCUE_VM_INT64
#define FESCUE_VM_INT64 0
#endif
#ifndef FESCUE_VM_F32
#define FESCUE_VM_F32 0
#endif
#ifndef FESCUE_VM_BULK
#define FESCUE_VM_BULK 0
#endif
#ifndef FESCUE_LINES
#define FESCUE_LINES 1
#endif
/* Functions lie in the EEPROM; emulators have none. */
#if !defined(FESCUE_CODE_BYTE) && !defined(FESCUE_STORE_RAM)
#include <avr/eeprom.h>
#define FESCUE_CODE_BYTE(p) eeprom_read_byte(p)
#endif
#endif

/* 64-bit integers. Without them a slot of the stack has 4 bytes instead of 8. */
#ifndef FESCUE_VM_INT64
#define FESCUE_VM_INT64 1
#endif

/* Floats. */
#ifndef FESCUE_VM_F32
#define FESCUE_VM_F32 1
#endif
#ifndef FESCUE_VM_F64
#define FESCUE_VM_F64 (FESCUE_VM_F32 && FESCUE_VM_INT64)
#endif

/* memory.copy, memory.fill and the others of the bulk memory proposal. */
#ifndef FESCUE_VM_BULK
#define FESCUE_VM_BULK 1
#endif

/* Modules of more than 64 KiB: offsets have 4 bytes instead of 2. */
#ifndef FESCUE_VM_LARGE
#define FESCUE_VM_LARGE 0
#endif

/* Speed for size. 2: a jump at the end of each instruction to the next one's code
 * (GCC's and Clang's labels as values), loads and stores in place: two kilobytes
 * more than 1, a switch. 0: integer instructions share one function, for processors
 * on which moving 32 bits takes more code than computing with them. */
#ifndef FESCUE_VM_SPEED
#ifdef __AVR__
#define FESCUE_VM_SPEED 0
#else
#define FESCUE_VM_SPEED 1
#endif
#endif

/* The processor divides 64-bit integers and computes floats itself. Without, both are
 * done bit by bit, in less code than the compiler's library needs. */
#ifndef FESCUE_VM_NATIVE
#if defined(__x86_64__) || defined(__aarch64__)
#define FESCUE_VM_NATIVE 1
#else
#define FESCUE_VM_NATIVE 0
#endif
#endif

/* Whether a module's names are checked to be UTF-8, and its exports to have different
 * ones, as the specification asks. No harm can come of either; it is 200 bytes. */
#ifndef FESCUE_VM_NAMES
#define FESCUE_VM_NAMES 1
#endif

/* The lines that the link can speak: 1 serial, 2 text, 4 datagrams. */
#ifndef FESCUE_LINES
#define FESCUE_LINES 7
#endif

/* Packets authenticated with a key (HMAC-SHA256). */
#ifndef FESCUE_LINK_AUTH
#define FESCUE_LINK_AUTH 1
#endif

/* Signatures of modules (Ed25519): a board with a public key takes no others. A header of
 * `fescue micro provision --sign-key` asks for them; the Arduino IDE cannot. */
#ifndef FESCUE_SIGNATURES
#if defined(FESCUE_SIGN_KEY) || defined(ARDUINO)
#define FESCUE_SIGNATURES 1
#else
#define FESCUE_SIGNATURES 0
#endif
#endif
#if defined(FESCUE_SIGN_KEY) && !FESCUE_SIGNATURES
#error "this board has a key for signed modules: build with FESCUE_SIGNATURES=1"
#endif

/* What functions may use besides events: a store for their state, pins. */
#ifndef FESCUE_STATE
#define FESCUE_STATE 1
#endif
#ifndef FESCUE_PINS
#define FESCUE_PINS 1
#endif

/* Topics that a function is granted by their whole name are registered, and published on
 * by a number: a name crosses the line once in a session. */
#ifndef FESCUE_NUMBERS
#define FESCUE_NUMBERS 1
#endif

/* memcpy, memmove, memset, memcmp and strlen of the core's own, for programs without others
 * (memory.c). */
#ifndef FESCUE_MEMORY
#define FESCUE_MEMORY 0
#endif

/* How a byte of a module is read. A module may lie where pointers do not reach,
 * for instance in EEPROM; then this is that memory's read function. */
#ifndef FESCUE_CODE_BYTE
#define FESCUE_CODE_BYTE(p) (*(p))
#endif

/* On 8-bit processors places in flash and times between two events have 16 bits: what
 * there is needs no more, and four bytes take twice the code. */
#include <stdint.h>
#ifdef __AVR__
typedef uint16_t fescue_at, fescue_ms;
#else
typedef uint32_t fescue_at, fescue_ms;
#endif

/* A function that stays one of its own: what it keeps on the stack is gone when it
 * returns, and on 8-bit processors its registers are not its caller's. */
#ifdef __AVR__
#define FESCUE_APART __attribute__((noinline))
#else
#define FESCUE_APART
#endif

/* Constant tables: on AVR they would be copied to memory if not told otherwise. */
#ifdef __AVR__
#include <avr/pgmspace.h>
#define FESCUE_ROM PROGMEM
#define FESCUE_ROM_BYTE(p) pgm_read_byte(p)
#define FESCUE_ROM_WORD(p) pgm_read_dword(p)
#else
#define FESCUE_ROM
#define FESCUE_ROM_BYTE(p) (*(const uint8_t *)(p))
#define FESCUE_ROM_WORD(p) (*(const uint32_t *)(p))
#endif

#endif
