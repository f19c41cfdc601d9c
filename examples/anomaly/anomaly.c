/* Tells readings that do not fit those before them: the running mean and variance (Welford) of
 * a sensor, and an alarm when a reading is more than three standard deviations away.
 * No library, no allocation, integers alone: the same module runs on a gateway and on a
 * microcontroller. */

#define FESCUE(name) __attribute__((import_module("fescue"), import_name(#name))) extern
FESCUE(event) int fescue_event(void *to, unsigned size);
FESCUE(reply) int fescue_reply(const void *from, unsigned size);
FESCUE(fail) void fescue_fail(const void *text, unsigned size);

enum { SCALE = 1000, SETTLE = 8 };

static char text[48];
static long long count, mean, squares; /* thousandths; squares in millionths */

/* reads a decimal number into thousandths; 0 if it is none. */
static int parse(const char *s, int n, long long *value)
{
	int i = 0, negative = 0, digits = 0, places = -1;
	long long v = 0;
	if (i < n && (s[i] == '-' || s[i] == '+'))
		negative = s[i++] == '-';
	for (; i < n; i++) {
		if (s[i] == '.' && places < 0) {
			places = 0;
		} else if (s[i] >= '0' && s[i] <= '9') {
			if (++digits > 12)
				return 0;
			if (places < 3)
				v = v * 10 + (s[i] - '0');
			if (places >= 0 && places < 3)
				places++;
		} else {
			break;
		}
	}
	while (i < n && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r'))
		i++;
	if (i != n || digits == 0)
		return 0;
	for (places = places < 0 ? 0 : places; places < 3; places++)
		v *= 10;
	*value = negative ? -v : v;
	return 1;
}

/* more than three standard deviations: distance² > 9 · variance. */
static int unusual(long long reading)
{
	long long d = reading - mean;
	return count >= SETTLE && d * d > 9 * (squares / count) && (d > SCALE / 10 || d < -SCALE / 10);
}

static void learn(long long reading)
{
	long long before = reading - mean;
	count++;
	mean += before / count;
	squares += before * (reading - mean);
}

static int answer(const char *s)
{
	int n = 0;
	while (s[n])
		n++;
	return fescue_reply(s, n);
}

__attribute__((export_name("handle"))) int handle(void)
{
	static const char wrong[] = "the event is not a decimal number";
	long long reading;
	int n = fescue_event(text, sizeof text);
	if (n > (int)sizeof text || !parse(text, n, &reading)) {
		fescue_fail(wrong, sizeof wrong - 1);
		return 1;
	}
	if (unusual(reading))
		return answer("anomaly"); /* not learned: one spike must not hide the next */
	learn(reading);
	return answer("normal");
}
