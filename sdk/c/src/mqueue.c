/* The link over POSIX message queues: two descriptors that come over a rendezvous socket, which stays open because
 * only there the end of the broker is seen. A queue has no blocking flag of its own here (it is shared with the broker), so
 * calls that shall not wait have a time-out in the past. */
#ifdef __linux__
#include <mqueue.h>

static const struct timespec at_once = {0, 0};

static long not_now(fescue_client *c, const char *what) {
    if (errno == ETIMEDOUT || errno == EAGAIN || errno == EINTR) return 0;
    return failed(c, FESCUE_LOST, what, view_of(strerror(errno)));
}

static long queue_receive(fescue_client *c, char *to, size_t room) {
    ssize_t n = mq_timedreceive(c->reading, to, room, NULL, &at_once);
    return n > 0 ? (long)n : n < 0 ? not_now(c, "reading from Data Xchange") : 0;
}

static long queue_send(fescue_client *c, const char *data, size_t size) {
    size_t n = size < c->chunk ? size : c->chunk;
    return mq_timedsend(c->writing, data, n, 0, &at_once) == 0 ? (long)n : not_now(c, "writing to Data Xchange");
}

/* Whether there is the whole of the broker's refusal: an ERROR frame in place of the queues. */
static int is_refusal(const char *data, size_t size, fescue_frame *f) {
    size_t whole = fescue_frame_size(data, size);
    return whole > 0 && whole <= size && fescue_decode(data, whole, 0, f) == 1 && f->type == FESCUE_ERROR;
}

/* What becomes of a refusal. When there are no queues to be had the socket is the link. */
static int refused_queues(fescue_client *c, const char *data, size_t size) {
    fescue_frame f;
    if (!is_refusal(data, size, &f)) return failed(c, FESCUE_LOST, "Data Xchange gave no message queues", view_of(NULL));
    if (-(int)f.code != FESCUE_LIMIT) return failed(c, -(int)f.code, "", f.second);
    c->reading = c->writing = c->lifeline;
    c->lifeline = -1;
    return FESCUE_OK;
}

/* Takes two descriptors out of a control message; 0 if they are not there. */
static int descriptors(struct msghdr *m, int fds[2]) {
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    if (h == NULL || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS || h->cmsg_len != CMSG_LEN(2 * sizeof(int))) return 0;
    memcpy(fds, CMSG_DATA(h), 2 * sizeof(int));
    keep_from_children(fds[0]);
    keep_from_children(fds[1]);
    return 1;
}

/* Reads a part of the greeting of the rendezvous socket, and the descriptors if they come with it: bytes, or a status. */
static long meet_once(fescue_client *c, char *to, size_t room, int fds[2], int *got) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec piece;
    struct msghdr m;
    ssize_t n;
    memset(&m, 0, sizeof m);
    piece.iov_base = to;
    piece.iov_len = room;
    m.msg_iov = &piece;
    m.msg_iovlen = 1;
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    do n = recvmsg(c->lifeline, &m, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0 && !*got) *got = descriptors(&m, fds);
    return n < 0 ? failed(c, FESCUE_LOST, "asking Data Xchange for message queues", view_of(strerror(errno))) : (long)n;
}

/* Reads the greeting: queues, or the broker's word why there are none. */
static int meet(fescue_client *c) {
    char data[1200];
    size_t have = 0;
    fescue_frame f;
    long n;
    int fds[2], got = 0;
    do {
        n = meet_once(c, data + have, have < 8 ? 8 - have : sizeof data - have, fds, &got);
        if (n < 0) return (int)n;
        have += (size_t)n;
    } while (n > 0 && have < sizeof data && !(got && have >= 8) && (got || !is_refusal(data, have, &f)));
    if (!got) return refused_queues(c, data, have);
    c->reading = fds[0];
    c->writing = fds[1];
    if (have < 8) return failed(c, FESCUE_LOST, "Data Xchange closed the session", view_of(NULL));
    c->chunk = get32((const uint8_t *)data);
    return c->chunk > 0 ? FESCUE_OK : failed(c, FESCUE_MALFORMED, "Data Xchange gave queues for messages of 0 bytes", view_of(NULL));
}

static int open_queues(fescue_client *c, const char *path) {
    int status;
    c->lifeline = connect_unix(c, path);
    if (c->lifeline < 0) return c->lifeline;
    set_patience(c->lifeline, c->options.timeout_ms);
    status = meet(c);
    return status;
}
#else
static long queue_receive(fescue_client *c, char *to, size_t room) {
    (void)to;
    (void)room;
    return failed(c, FESCUE_UNSUPPORTED, "POSIX message queues are for Linux", view_of(NULL));
}

static long queue_send(fescue_client *c, const char *data, size_t size) { return queue_receive(c, NULL, size + (data != NULL)); }

static int open_queues(fescue_client *c, const char *path) { return (int)queue_receive(c, NULL, path != NULL); }
#endif
