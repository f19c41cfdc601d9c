/* What is measured, native and as WebAssembly alike: fib (calls), sieve (memory),
 * crc (bits), roots (divisions). */
#include <stdint.h>

#ifdef __wasm__
#define KERNEL(name) __attribute__((export_name(#name))) uint32_t name
#else
#define KERNEL(name) __attribute__((noinline)) uint32_t name
#endif

KERNEL(fib)(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static volatile uint8_t field[1024]; /* so that no loop becomes a call of memset */

KERNEL(sieve)(uint32_t n)
{
	uint32_t primes = 0;
	for (uint32_t i = 0; i < n; i++)
		field[i] = 1;
	for (uint32_t i = 2; i < n; i++) {
		if (!field[i])
			continue;
		primes++;
		for (uint32_t k = i + i; k < n; k += i)
			field[k] = 0;
	}
	return primes;
}

KERNEL(crc)(uint32_t n)
{
	uint32_t c = 0xffffffff;
	for (uint32_t i = 0; i < n; i++) {
		c ^= i & 0xff;
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c;
}

KERNEL(roots)(uint32_t n)
{
	uint32_t sum = 0;
	for (uint32_t i = 1; i <= n; i++) {
		uint32_t x = i;
		for (int k = 0; k < 10; k++)
			x = (x + i * 1000 / x) / 2 + 1;
		sum += x;
	}
	return sum;
}
