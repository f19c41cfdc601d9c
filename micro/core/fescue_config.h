/* What the core is built with. Each of these may be set on the compiler's
 * command line; a port sets them once in its own build. */
#ifndef FESCUE_CONFIG_H
#define FESCUE_CONFIG_H

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

/* A piece of code for each integer instruction, load and store, and a jump at its end
 * to the next one's (GCC's and Clang's labels as values), instead of a switch:
 * faster, about two kilobytes more. */
#ifndef FESCUE_VM_FAST
#define FESCUE_VM_FAST 0
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

/* How a byte of a module is read. A module may lie where pointers do not reach,
 * for instance in EEPROM; then this is that memory's read function. */
#ifndef FESCUE_CODE_BYTE
#define FESCUE_CODE_BYTE(p) (*(p))
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
