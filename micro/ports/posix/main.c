/* The micro agent as a process: for tests, and for Linux machines that are too
 * small for the whole of Fescue.
 *
 *     fescue-micro --id ID --flash FILE [--platform P] [--key HEX] [--sign-key HEX] [--text] [--pins] WHERE
 *
 * WHERE is a serial device, or unix:PATH, tcp:HOST:PORT, udp:HOST:PORT, which are
 * connected to. A stream that ends is connected to again. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../core/fescue_agent.h"
#include "pins.h"

enum { SLOT = 16384, HEAD = 1024, PAGE = 256, SLOTS = 4, STATE = 4096, FLASH = SLOT * SLOTS + 2 * STATE, DATA = 240, POOL = 65536, STACK = 2048 };

static fescue_agent agent;
static fescue_port port;
static uint8_t *flash;
static int fd = -1;
static const char *where;
static long cut_after = -1; /* programmed units until the power goes, for tests */

static void die(const char *what)
{
	fprintf(stderr, "fescue-micro: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint8_t program(fescue_at at, const uint8_t *p, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (cut_after == 0)
			_exit(9);
		if (cut_after > 0)
			cut_after--;
		if (flash[at + i] != 0xff) {
			fprintf(stderr, "fescue-micro: byte %u of the flash is programmed twice\n", (unsigned)(at + i));
			abort();
		}
		flash[at + i] = p[i];
	}
	return msync(flash, FLASH, MS_SYNC) == 0;
}

static uint8_t erase(fescue_at at)
{
	if (cut_after == 0)
		_exit(9);
	if (cut_after > 0)
		cut_after--;
	memset(flash + at, 0xff, PAGE);
	return 1;
}

static void open_flash(const char *file)
{
	struct stat st;
	size_t size = FLASH;
	int f = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f < 0 || fstat(f, &st) < 0)
		die(file);
	if (st.st_size == 0) {
		static uint8_t blank[PAGE];
		memset(blank, 0xff, sizeof blank);
		for (size_t i = 0; i < size / PAGE; i++)
			if (write(f, blank, PAGE) != PAGE)
				die(file);
	} else if ((size_t)st.st_size != size) {
		errno = EINVAL;
		die(file);
	}
	flash = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	if (flash == MAP_FAILED)
		die(file);
}

static uint32_t millis(void *context)
{
	struct timespec t;
	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

static void nonce(void *context, uint8_t out[8])
{
	(void)context;
	if (getrandom(out, 8, 0) != 8)
		die("getrandom");
}

static uint8_t pending[2048];
static size_t pending_count;

/* Bytes are gathered to the end of their packet: one system call, one datagram. */
static void line_write(void *context, const uint8_t *p, uint16_t n, uint8_t flush)
{
	(void)context;
	if (pending_count + n <= sizeof pending) {
		memcpy(pending + pending_count, p, n);
		pending_count += n;
	}
	if (!flush)
		return;
	for (size_t at = 0; at < pending_count && fd >= 0;) {
		ssize_t w = write(fd, pending + at, pending_count - at);
		if (w < 0 && errno != EINTR && errno != EAGAIN)
			break; /* the packet is lost; it is sent again */
		if (w > 0)
			at += (size_t)w;
	}
	pending_count = 0;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncpy(a.sun_path, path, sizeof a.sun_path - 1);
	if (s >= 0 && connect(s, (struct sockaddr *)&a, sizeof a) < 0) {
		close(s);
		return -1;
	}
	return s;
}

static int connect_internet(const char *address, int type)
{
	char host[256];
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = {.ai_socktype = type}, *list;
	if (colon == NULL || (size_t)(colon - address) >= sizeof host)
		return -1;
	memcpy(host, address, (size_t)(colon - address));
	host[colon - address] = 0;
	if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
		return -1;
	int s = socket(list->ai_family, type | SOCK_CLOEXEC, 0), one = 1;
	if (s >= 0 && connect(s, list->ai_addr, list->ai_addrlen) < 0) {
		close(s);
		s = -1;
	}
	freeaddrinfo(list);
	if (s >= 0 && type == SOCK_STREAM)
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return s;
}

static int open_serial(const char *path)
{
	struct termios t;
	int s = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s >= 0 && tcgetattr(s, &t) == 0) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		tcsetattr(s, TCSANOW, &t);
	}
	return s;
}

static void connect_line(void)
{
	if (fd >= 0)
		close(fd);
	if (strncmp(where, "unix:", 5) == 0)
		fd = connect_unix(where + 5);
	else if (strncmp(where, "tcp:", 4) == 0)
		fd = connect_internet(where + 4, SOCK_STREAM);
	else if (strncmp(where, "udp:", 4) == 0)
		fd = connect_internet(where + 4, SOCK_DGRAM);
	else
		fd = open_serial(where);
}

/* Waits at most so many ms for the line, and takes what has come: a datagram, or
 * the bytes of a stream one by one, because what a byte leads to may come here
 * again for the next ones. */
static void serve(int wait)
{
	static uint8_t buffer[2048];
	static ssize_t have, at;
	uint8_t datagram[2048];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (fd < 0) {
		poll(NULL, 0, 50);
		connect_line();
		return;
	}
	if (at == have) {
		if (poll(&p, 1, wait) <= 0)
			return;
		int whole = port.link.line == FESCUE_DATAGRAM;
		ssize_t n = read(fd, whole ? datagram : buffer, sizeof buffer);
		if (n > 0 && whole) {
			fescue_link_datagram(&agent.link, datagram, (uint16_t)n);
			return;
		}
		have = at = 0;
		if (n > 0) {
			have = n;
		} else if (!whole && (n == 0 || (errno != EINTR && errno != EAGAIN))) {
			close(fd);
			fd = -1;
		}
	}
	while (at < have)
		fescue_link_input(&agent.link, buffer[at++]);
}

static void pump(void *context)
{
	(void)context;
	serve(5);
}

static void parse_key(const char *hex, uint8_t key[32])
{
	if (strlen(hex) != 64) {
		fprintf(stderr, "fescue-micro: a key has 64 hexadecimal digits\n");
		exit(2);
	}
	for (int i = 0; i < 32; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
		key[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: fescue-micro --id ID --flash FILE [--platform P] [--key HEX] [--sign-key HEX] [--text] [--pins] WHERE\n"
	                "WHERE: a serial device, unix:PATH, tcp:HOST:PORT or udp:HOST:PORT\n");
	exit(2);
}

static const char *options(int argc, char **argv, uint8_t key[32], uint8_t sign_key[32])
{
	const char *file = NULL;
	int i = 1;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--text") == 0) {
			port.link.line = FESCUE_TEXT;
			continue;
		}
		if (strcmp(argv[i], "--pins") == 0) {
			port.pin = pins_operate;
			port.adc = 1;
			port.i2c = pins_i2c;
			continue;
		}
		if (i + 1 >= argc)
			usage();
		const char *value = argv[++i];
		if (strcmp(argv[i - 1], "--id") == 0) {
			port.id = value;
		} else if (strcmp(argv[i - 1], "--platform") == 0) {
			port.platform = value;
		} else if (strcmp(argv[i - 1], "--flash") == 0) {
			file = value;
		} else if (strcmp(argv[i - 1], "--key") == 0) {
			parse_key(value, key);
			port.link.key = key;
#if FESCUE_SIGNATURES
		} else if (strcmp(argv[i - 1], "--sign-key") == 0) {
			parse_key(value, sign_key);
			port.sign_key = sign_key;
#endif
		} else {
			usage();
		}
	}
	if (i + 1 != argc || port.id == NULL || file == NULL)
		usage();
	where = argv[i];
	return file;
}

int main(int argc, char **argv)
{
	static uint8_t in[DATA + 2 * FESCUE_PACKET_MOST], out[1024], frame[1024], pool[POOL], key[32], sign_key[32];
	const char *cut = getenv("FESCUE_MICRO_POWER_CUT");
	port = (fescue_port){.link = {.line = FESCUE_SERIAL, .write = line_write, .millis = millis, .nonce = nonce,
	                              .in = in, .in_size = sizeof in, .out = out, .out_size = sizeof out},
	                     .pump = pump, .platform = "micro/posix", .frame = frame, .frame_size = sizeof frame,
	                     .pool = pool, .pool_size = POOL, .stack = STACK};
	open_flash(options(argc, argv, key, sign_key));
	if (cut != NULL)
		cut_after = strtol(cut, NULL, 10);
	if (strncmp(where, "udp:", 4) == 0)
		port.link.line = FESCUE_DATAGRAM;
	port.flash = (fescue_flash){.base = flash, .program = program, .erase = erase, .slot_size = SLOT, .head_size = HEAD, .page = PAGE, .unit = 1, .count = SLOTS,
	                            .state_at = SLOT * SLOTS, .state_size = STATE};
	signal(SIGPIPE, SIG_IGN);
	connect_line();
	fescue_agent_begin(&agent, &port);
	for (;;) {
		serve(20);
		fescue_agent_poll(&agent);
	}
}
