/* Links: how bytes are read from and written to the broker. A link is a few descriptors in the client; `chunk` tells
 * message queues from streams. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static long queue_receive(fescue_client *c, char *to, size_t room);
static long queue_send(fescue_client *c, const char *data, size_t size);
static int open_queues(fescue_client *c, const char *path);

static void close_fd(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void close_link(fescue_client *c) {
    if (c->writing != c->reading) close_fd(&c->writing);
    c->writing = -1;
    close_fd(&c->reading);
    close_fd(&c->lifeline);
}

/* How long the socket's blocking calls may take. */
static void set_patience(int fd, int timeout_ms) {
    struct timeval t;
    t.tv_sec = timeout_ms / 1000;
    t.tv_usec = timeout_ms % 1000 * 1000;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

static void keep_from_children(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

/* Waits until the link can be read or written, or until fescue_stop(): 1 ready, 0 time-out, FESCUE_STOPPED, FESCUE_LOST.
 * On message queues the broker's end is seen at the lifeline only; what the queue still holds comes first. */
static int wait_link(fescue_client *c, int for_writing, int64_t deadline) {
    struct pollfd p[3];
    int n, watches_wake = !for_writing && !c->closing && !c->stopping;
    p[0].fd = for_writing ? c->writing : c->reading;
    p[0].events = for_writing ? POLLOUT : POLLIN;
    p[1].fd = c->lifeline;
    p[1].events = POLLIN;
    p[2].fd = watches_wake ? c->wake[0] : -1;
    p[2].events = POLLIN;
    p[0].revents = p[1].revents = p[2].revents = 0;
    n = poll(p, 3, left_ms(deadline));
    if (n < 0 && errno != EINTR) return failed_by(c, "waiting for Data Xchange");
    if (p[2].revents != 0) c->stopping = 1;
    if (p[0].revents != 0) return 1;
    if (p[1].revents != 0) return failed(c, FESCUE_LOST, "Data Xchange closed the session", view_of(NULL));
    return c->stopping && watches_wake ? FESCUE_STOPPED : 0;
}

/* Reads what is there without waiting: the bytes, 0 if there are none, or a status. */
static long read_link(fescue_client *c, char *to, size_t room) {
    ssize_t n;
    if (c->chunk > 0) return queue_receive(c, to, room);
    do n = recv(c->reading, to, room, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0) return (long)n;
    if (n == 0) return failed(c, FESCUE_LOST, "Data Xchange closed the session", view_of(NULL));
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : failed(c, FESCUE_LOST, "reading from Data Xchange", view_of(strerror(errno)));
}

/* Writes two pieces, or the beginning of them, without waiting. */
static long write_link(fescue_client *c, const char *a, size_t a_size, const char *b, size_t b_size) {
    struct iovec pieces[2];
    struct msghdr m;
    ssize_t n;
    if (c->chunk > 0) return a_size > 0 ? queue_send(c, a, a_size) : queue_send(c, b, b_size);
    memset(&m, 0, sizeof m);
    pieces[0].iov_base = (void *)(uintptr_t)a;
    pieces[0].iov_len = a_size;
    pieces[1].iov_base = (void *)(uintptr_t)b;
    pieces[1].iov_len = b_size;
    m.msg_iov = a_size > 0 ? pieces : pieces + 1;
    m.msg_iovlen = a_size > 0 && b_size > 0 ? 2 : 1;
    do n = sendmsg(c->writing, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0) return (long)n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : failed(c, FESCUE_LOST, "writing to Data Xchange", view_of(strerror(errno)));
}

/* A connected Unix socket, or a status. */
static int connect_unix(fescue_client *c, const char *path) {
    struct sockaddr_un address;
    int s, status;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return failed(c, FESCUE_ARGUMENT, "the path of the socket is too long", view_of(path));
    memcpy(address.sun_path, path, strlen(path));
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s < 0) return failed_by(c, "making a socket");
    keep_from_children(s);
    set_patience(s, c->options.timeout_ms);
    do status = connect(s, (const struct sockaddr *)&address, sizeof address);
    while (status < 0 && errno == EINTR);
    if (status == 0) return s;
    snprintf(c->error, sizeof c->error, "connecting to Data Xchange at %.120s: %s (%s)", path, strerror(errno), hint_of(FESCUE_LOST));
    close(s);
    return FESCUE_LOST;
}

static int connect_to(const struct addrinfo *a) {
    int one = 1, s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (s < 0) return -1;
    keep_from_children(s);
    if (connect(s, a->ai_addr, a->ai_addrlen) == 0) {
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return s;
    }
    close(s);
    return -1;
}

/* A connected TCP socket for HOST:PORT, or a status. */
static int connect_tcp(fescue_client *c, const char *host_port) {
    char host[256];
    struct addrinfo hints, *found = NULL, *a;
    const char *colon = strrchr(host_port, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - host_port);
    int s = -1;
    if (n == 0 || n >= sizeof host) return failed(c, FESCUE_ARGUMENT, "the address is not tcp:HOST:PORT", view_of(host_port));
    if (host_port[0] == '[' && host_port[n - 1] == ']') { /* an IPv6 address */
        host_port++;
        n -= 2;
    }
    memcpy(host, host_port, n);
    host[n] = 0;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, colon + 1, &hints, &found) == 0)
        for (a = found; a != NULL && s < 0; a = a->ai_next) s = connect_to(a);
    if (found != NULL) freeaddrinfo(found);
    return s >= 0 ? s : failed(c, FESCUE_LOST, "connecting to Data Xchange", view_of(host_port));
}

/* Opens the link that the address names. */
static int open_link(fescue_client *c) {
    const char *address = c->options.address;
    int s;
    c->chunk = 0;
    if (strncmp(address, "mqueue:/", 8) == 0) return open_queues(c, address + 7);
    if (strncmp(address, "unix:", 5) == 0) s = connect_unix(c, address + 5);
    else if (strncmp(address, "tcp:", 4) == 0) s = connect_tcp(c, address + 4);
    else return failed(c, FESCUE_ARGUMENT, "the address of Data Xchange is unix:PATH, mqueue:PATH or tcp:HOST:PORT, not", view_of(address));
    c->reading = c->writing = s;
    return s < 0 ? s : FESCUE_OK;
}
