/* What the parts of the client share: time, errors, names. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is left until a deadline, for poll(); a negative deadline is none. */
static int left_ms(int64_t deadline) {
    int64_t left;
    if (deadline < 0) return -1;
    left = deadline - now_ms();
    return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static int64_t deadline_in(int timeout_ms) { return timeout_ms < 0 ? -1 : now_ms() + timeout_ms; }

static fescue_view view_of(const char *text) {
    fescue_view v;
    v.data = text == NULL ? "" : text;
    v.size = strlen(v.data);
    return v;
}

/* At most so many bytes, of whole characters. */
static fescue_view cut(fescue_view v, size_t most) {
    if (v.size <= most) return v;
    while (most > 0 && ((uint8_t)v.data[most] & 0xC0) == 0x80) most--;
    v.size = most;
    return v;
}

static int same(fescue_view v, const char *text) { return strlen(text) == v.size && memcmp(v.data, text, v.size) == 0; }

static void copy_view(char *to, size_t room, fescue_view v) {
    size_t n = v.size < room - 1 ? v.size : room - 1;
    memcpy(to, v.data, n);
    to[n] = 0;
}

const char *fescue_status_name(int status) {
    static const char *const broker[] = {
        "ok", "malformed", "version", "unauthenticated", "denied", "invalid-topic", "too-large", "unknown-id",
        "id-in-use", "limit", "no-responder", "timeout", "overflow", "unsupported", "going-away", "internal", "not-found",
        "conflict", "quota", "storage", "not-kept",
    };
    static const char *const own[] = {"connection-lost", "stopped", "argument", "room", "system", "gone"};
    if (status <= 0 && status >= FESCUE_NOT_KEPT) return broker[-status];
    if (status <= FESCUE_LOST && status >= FESCUE_GONE) return own[FESCUE_LOST - status];
    return status > 0 ? "ok" : "unknown";
}

/* What to do about an error, a whole sentence, or "". */
static const char *hint_of(int status) {
    switch (status) {
    case FESCUE_BAD_VERSION: return "update the SDK, or the agent";
    case FESCUE_DENIED: return "name the topic in fescue.yaml under resources.publish or resources.subscribe, and deploy";
    case FESCUE_INVALID_TOPIC:
        return "levels are parted by '/'; '+' and '#' stand alone in a level, '#' last, and only in filters";
    case FESCUE_TOO_LARGE: return "send large data in parts, or by a file in FESCUE_DATA";
    case FESCUE_NO_RESPONDER: return "is the application that answers it running?";
    case FESCUE_OVERFLOW: return "subscribe with a longer queue, or with policy block";
    case FESCUE_NOT_KEPT: return "name it in fescue.yaml under resources.keep, and deploy";
    case FESCUE_LOST: return "Data Xchange is part of the agent: is `fescue up` or `fescue agent` running?";
    default: return "";
    }
}

/* Sets the client's error to "TEXT (hint)" and returns the status. */
static int failed(fescue_client *c, int status, const char *what, fescue_view detail) {
    const char *hint = hint_of(status);
    size_t shown = cut(detail, 200).size;
    snprintf(c->error, sizeof c->error, "%s%s%.*s%s%s%s", what, *what != 0 && shown > 0 ? ": " : "", (int)shown, detail.data,
             *hint != 0 ? " (" : "", hint, *hint != 0 ? ")" : "");
    return status;
}

static int failed_by(fescue_client *c, const char *what) {
    return failed(c, errno == EPIPE || errno == ECONNRESET ? FESCUE_LOST : FESCUE_SYSTEM, what, view_of(strerror(errno)));
}

/* An error that no call waits for. */
static void tell(fescue_client *c, int status) {
    if (c->options.on_error != NULL)
        c->options.on_error(c->options.user, status, c->error);
    else
        fprintf(stderr, "fescue: %s\n", c->error);
}
