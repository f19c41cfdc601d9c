/* Fuzzing of the functions' state: the input is a sequence of changes, power cuts and
 * starts. It is compared with what it should hold: all that was acknowledged, and of the
 * change that the power cut off the old value or the new one. No byte is programmed twice
 * before its page is erased. */
#include <string.h>

#include "../../core/fescue_agent.h"

enum { BANK = 256, PAGE = 64, NAMES = 2, KEYS = 4, MOST = 60 };

static uint8_t store[2 * BANK];
static int32_t power; /* bytes that are programmed before it goes; -1: it stays */

static uint8_t on(void)
{
	if (power > 0)
		power--;
	return power != 0;
}

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	if (at + n > sizeof store || at % FUZZ_UNIT != 0 || n % FUZZ_UNIT != 0)
		__builtin_trap();
	for (uint16_t i = 0; i < n; i++) {
		if (i % FUZZ_UNIT == 0 && !on())
			return 0;
		if (store[at + i] != 0xff)
			__builtin_trap();
		store[at + i] = p[i];
	}
	return 1;
}

static uint8_t erase(fescue_at at)
{
	if (at % PAGE != 0 || at + PAGE > sizeof store)
		__builtin_trap();
	if (!on())
		return 0;
	memset(store + at, 0xff, PAGE);
	return 1;
}

static const fescue_flash flash = {.base = store, .program = program, .erase = erase, .page = PAGE, .unit = FUZZ_UNIT, .state_at = 0, .state_size = BANK};
static const uint8_t names[NAMES][3] = {"fun", "f"}, keys[KEYS][3] = {"abc", "ab", "b", "nb"};
static const uint8_t name_lengths[NAMES] = {3, 1}, key_lengths[KEYS] = {3, 2, 1, 2};

/* What it should hold: MOST bytes of a number, some of them. */
typedef struct {
	uint8_t length, number;
} value;
static value model[NAMES][KEYS];

static fescue_state_key key_of(uint8_t name, uint8_t key)
{
	return (fescue_state_key){names[name], keys[key], name_lengths[name], key_lengths[key]};
}

static uint8_t same(const fescue_state *s, uint8_t name, uint8_t key, value v)
{
	uint16_t n = 0;
	fescue_state_key k = key_of(name, key);
	const uint8_t *p = fescue_state_find(s, &k, &n);
	if (n != v.length || (p == NULL) != (v.length == 0))
		return 0;
	for (uint16_t i = 0; i < n; i++)
		if (p[i] != (uint8_t)(v.number + i))
			return 0;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fescue_state s;
	memset(store, 0xff, sizeof store);
	memset(model, 0, sizeof model);
	power = -1;
	fescue_state_open(&s, &flash);
	for (size_t i = 0; i + 2 < size; i += 3) {
		uint8_t name = data[i] & 1, key = data[i] >> 1 & 3, bytes[MOST];
		value v = {data[i + 1] % MOST, data[i + 2]};
		fescue_state_key k = key_of(name, key);
		if (data[i] & 0x40) { /* the power will go within this change */
			power = 1 + data[i + 2] / 2;
			v.number = data[i + 1];
		}
		uint8_t all = (data[i] & 0xb0) == 0xb0; /* the function is removed */
		if (all) {
			k.key = NULL;
			v.length = 0;
		}
		for (uint8_t j = 0; j < v.length; j++)
			bytes[j] = (uint8_t)(v.number + j);
		fescue_state_status status = fescue_state_set(&s, &k, bytes, v.length);
		if (power == 0 || (data[i] & 0x80)) {
			power = -1;
			fescue_state_open(&s, &flash);
		}
		power = -1;
		uint8_t old = 1, new = 1;
		for (uint8_t f = 0; f < NAMES; f++)
			for (uint8_t j = 0; j < KEYS; j++) {
				uint8_t changed = f == name && (all || j == key);
				old &= same(&s, f, j, model[f][j]);
				new &= same(&s, f, j, changed ? v : model[f][j]);
			}
		if (status == FESCUE_STATE_OK ? !new : status == FESCUE_STATE_FULL ? !old : !old && !new)
			__builtin_trap();
		for (uint8_t j = 0; j < KEYS && new; j++)
			if (all || j == key)
				model[name][j] = v;
	}
	return 0;
}
