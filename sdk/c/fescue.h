/* fescue.h: publish, subscribe, request and serve events on a Fescue device, from C99.
 *
 *     static char in[FESCUE_BUFFER(8192)], out[FESCUE_BUFFER(8192)];
 *
 *     static void heard(fescue_client *c, const fescue_message *m, void *user) {
 *         (void)user;
 *         fescue_publish_to(c, "house/echo", m->payload.data, m->payload.size);
 *     }
 *
 *     int main(void) {
 *         fescue_client c;
 *         fescue_subscription s = {0};
 *         if (fescue_connect(&c, in, sizeof in, out, sizeof out, NULL) < 0 ||
 *             fescue_subscribe(&c, &s, "house/+/temperature", heard, NULL) < 0 || fescue_run(&c) < 0) {
 *             fprintf(stderr, "%s\n", c.error);
 *             return 1;
 *         }
 *         return 0;
 *     }
 *
 * Compile fescue.c with the program; there is nothing else. No memory is allocated: the client, its topics
 * and subscriptions and both buffers are the caller's, and must stay where they are until fescue_close().
 *
 * A client belongs to one thread; a second thread uses a second client. Only fescue_stop() may be called from
 * anywhere. The client connects again by itself when the agent restarts, and registers and subscribes anew; what
 * others published meanwhile is lost.
 *
 * Functions that can fail return 0 or a count on success and a negative enum fescue_status on failure;
 * fescue_client.error then says in words what was wrong and what to do.
 *
 * The second part of this header is the codec of the wire protocol (sdk/protocol.md) alone; it needs memcpy and
 * nothing else of a C library, so that it serves on bare metal too. Define FESCUE_CODEC_ONLY when compiling fescue.c
 * there.
 */
#ifndef FESCUE_H
#define FESCUE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FESCUE_VERSION "0.1.0"

/* Why a call failed. Down to -99 these are the error codes of the protocol, sent by the broker. */
enum fescue_status {
    FESCUE_OK = 0,
    FESCUE_MALFORMED = -1,       /* the other side does not speak the protocol */
    FESCUE_BAD_VERSION = -2,     /* no common version: update the SDK or the agent */
    FESCUE_UNAUTHENTICATED = -3, /* the token is not known */
    FESCUE_DENIED = -4,          /* the application may not use this topic: name it in fescue.yaml */
    FESCUE_INVALID_TOPIC = -5,
    FESCUE_TOO_LARGE = -6,
    FESCUE_UNKNOWN_ID = -7,
    FESCUE_ID_IN_USE = -8,
    FESCUE_LIMIT = -9,         /* too many topics, subscriptions, requests or sessions */
    FESCUE_NO_RESPONDER = -10, /* nobody answers requests on the topic */
    FESCUE_TIMEOUT = -11,
    FESCUE_OVERFLOW = -12, /* messages were dropped: they came faster than they were taken */
    FESCUE_UNSUPPORTED = -13,
    FESCUE_GOING_AWAY = -14,
    FESCUE_INTERNAL = -15, /* also: the responder of a request failed */
    FESCUE_NOT_FOUND = -16,
    FESCUE_CONFLICT = -17, /* the key has another revision; the place another filter */
    FESCUE_QUOTA = -18,    /* the state, or the kept topic, is full */
    FESCUE_STORAGE = -19,  /* the disk did not take it */
    FESCUE_NOT_KEPT = -20, /* nobody keeps the topic: name it under resources.keep */
    FESCUE_LOST = -100,    /* there is no link to the broker, or it does not answer */
    FESCUE_STOPPED = -101, /* fescue_stop() was called, or a function's worker is to exit */
    FESCUE_ARGUMENT = -102,
    FESCUE_ROOM = -103,  /* a buffer of the caller's is too small */
    FESCUE_SYSTEM = -104, /* a system call failed */
    FESCUE_GONE = -105    /* nobody waits for the answer any longer */
};

/* The name of a status, such as "denied". */
const char *fescue_status_name(int status);

/* Bytes of somebody else's; not ended by a 0. Print one with printf("%.*s", FESCUE_PRINT(view)). */
typedef struct fescue_view {
    const char *data;
    size_t size;
} fescue_view;
#define FESCUE_PRINT(view) (int)(view).size, (view).data

/* The size of a buffer for messages of at most so many bytes, topic included. */
#define FESCUE_BUFFER(bytes) ((bytes) + 12288)

typedef struct fescue_client fescue_client;
typedef struct fescue_subscription fescue_subscription;

/* What arrived. The views are good until the handler returns, or until the next fescue_next(); other calls
 * of this client in between leave them alone. */
typedef struct fescue_message {
    uint8_t type; /* FESCUE_MESSAGE; FESCUE_CALL: a request, to be answered; FESCUE_INVOKE: an event for a function;
                   * FESCUE_DELIVERY, of fescue_consume(); FESCUE_CHANGE, of fescue_watch(); FESCUE_PAST, of fescue_history() */
    uint8_t attribute_count;
    uint8_t change;      /* enum fescue_change */
    uint8_t maybe_before; /* the delivery may have been made before */
    uint16_t attempt;    /* of the delivery, from 1 */
    uint32_t id;         /* of the call or invocation */
    uint32_t timeout_ms; /* of the call or invocation; 0: none */
    uint32_t session;    /* the link it came on: a call cannot be answered on the next one */
    uint64_t sequence;   /* number of a kept message in its topic; revision of a key */
    uint64_t time;       /* when it was stored, ms since 1970 */
    fescue_view topic;   /* or the key */
    fescue_view payload; /* or the value */
    fescue_view attributes; /* packed; see fescue_attribute() */
    fescue_subscription *subscription;
} fescue_message;

typedef void (*fescue_handler)(fescue_client *c, const fescue_message *m, void *user);

/* What happens to messages that come faster than they are taken. */
enum fescue_policy {
    FESCUE_DROP_OLDEST = 0,
    FESCUE_DROP_NEWEST = 1,
    FESCUE_BLOCK = 2 /* the publisher is held back, for up to a second */
};

enum fescue_flags {
    FESCUE_ANSWERS = 1,  /* answers requests on these topics */
    FESCUE_NOT_OWN = 2,  /* not what this client publishes itself */
    FESCUE_BY_CREDIT = 4 /* as many messages as `credit` and fescue_credit() say, and no more */
};

/* Where a place of fescue_consume() begins. */
enum fescue_start { FESCUE_FROM_NOW = 0, FESCUE_FROM_OLDEST = 1, FESCUE_FROM_TIME = 2 };

/* What a delivery is answered with. */
enum fescue_verdict { FESCUE_DONE = 0, FESCUE_AGAIN = 1, FESCUE_REJECTED = 2, FESCUE_STILL_AT_IT = 3 };
#define FESCUE_OWN_DELAY 0xFFFFFFFFu /* of FESCUE_AGAIN: the broker chooses */

/* What fescue_watch() tells. */
enum fescue_watch_flags { FESCUE_WITH_PRESENT = 1, FESCUE_ONLY_PRESENT = 2, FESCUE_KEYS_ONLY = 4 };
enum fescue_change { FESCUE_PUT_KEY = 0, FESCUE_DELETED = 1, FESCUE_EXPIRED = 2, FESCUE_END_OF_PRESENT = 3 };

/* A subscription, or what fescue_consume() and fescue_watch() make. Zero it; what the comment names may be set
 * before. */
struct fescue_subscription {
    uint8_t policy;  /* of fescue_subscribe: enum fescue_policy */
    uint8_t flags;   /* of fescue_subscribe: enum fescue_flags; of fescue_watch: enum fescue_watch_flags */
    uint16_t queue;  /* of fescue_subscribe: messages that may wait in the broker; 0: 1,024 */
    uint32_t credit; /* of fescue_subscribe, with FESCUE_BY_CREDIT: messages that may still come */
    /* Of fescue_consume: */
    uint8_t start;           /* enum fescue_start */
    uint16_t window;         /* deliveries that may be unanswered; 0: 64 */
    uint16_t attempts;       /* deliveries of a message at most; 0: without end */
    uint32_t patience_ms;    /* until a message that was not answered is delivered again; 0: 30 s */
    uint64_t from;           /* for FESCUE_FROM_TIME, ms since 1970 */
    const char *dead_letter; /* topic for what had its attempts or was rejected; NULL: none */
    /* The rest is the client's. */
    uint8_t made_by; /* type of the frame that makes it */
    uint16_t id;
    const char *place;
    int ended; /* the status that ended it, such as FESCUE_DENIED when the permission was taken away; else 0 */
    const char *filter;
    fescue_handler handler;
    void *user;
    fescue_subscription *next;
};

/* A topic that is published on often. Zero it. All of it is the client's. */
typedef struct fescue_topic {
    uint16_t id;
    uint8_t known;   /* to the client */
    uint8_t granted; /* by the broker */
    const char *name;
    struct fescue_topic *next;
} fescue_topic;

/* What may be chosen; a zeroed one is the default. */
typedef struct fescue_options {
    const char *address; /* "unix:PATH", "mqueue:PATH", "tcp:HOST:PORT"; NULL: FESCUE_EXCHANGE */
    const char *token;   /* NULL: FESCUE_TOKEN */
    const char *name;    /* for people who look at the broker's sessions */
    int timeout_ms;      /* how long to wait for the broker's answers, and for a lost link; 0: 10 s */
    int hold;            /* not 0: frames go out together, when the output buffer is full, when fescue_next() has
                          * nothing left to give, or by fescue_flush(): many small messages get several times faster */
    /* Told what no call waits for, such as dropped messages. NULL: it is written to stderr, the application's log. */
    void (*on_error)(void *user, int status, const char *text);
    void *user;
} fescue_options;

/* Connects, by the environment that the agent gives unless options say otherwise. All strings must outlive the
 * client. The input buffer bounds the messages that are taken, see FESCUE_BUFFER. */
int fescue_connect(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size, const fescue_options *options);

/* Says goodbye after everything that was sent before, waits at most so long for the broker to have handled it, and
 * closes. The client may be connected anew afterwards. Does nothing for one that never was. */
void fescue_close(fescue_client *c, int timeout_ms);

/* Publishes once: waits for the broker's word that it has taken the message. */
int fescue_publish_to(fescue_client *c, const char *topic, const void *data, size_t size);

/* Announces that the program publishes on a topic, and waits for the broker's permission. */
int fescue_register(fescue_client *c, fescue_topic *topic, const char *name);

/* Publishes on a registered topic: sends and forgets. */
int fescue_publish(fescue_client *c, fescue_topic *topic, const void *data, size_t size);

/* Subscribes, and waits for the broker's permission. The handler is called by fescue_run(); it may be NULL for a
 * program that takes messages with fescue_next(). A handler may use the client, also to wait for answers: messages that
 * come meanwhile wait in the input buffer, and when that is full, by the subscription's policy. */
int fescue_subscribe(fescue_client *c, fescue_subscription *s, const char *filter, fescue_handler handler, void *user);
int fescue_unsubscribe(fescue_client *c, fescue_subscription *s);

/* The next message, of any subscription. Waits at most so many milliseconds, for ever if negative; sends what is
 * held back before it waits. 1: there is one; 0: none came. FESCUE_DENIED: a permission was taken away, the
 * subscription's `ended` tells which. */
int fescue_next(fescue_client *c, fescue_message *m, int timeout_ms);

/* Gives messages to their handlers until fescue_stop(), SIGTERM or SIGINT, then closes the client and returns 0. A
 * request that the handler did not answer is answered with no bytes. */
int fescue_run(fescue_client *c);

/* Lets fescue_next() and fescue_run() return; may be called from signal handlers and other threads. */
void fescue_stop(fescue_client *c);

/* Sends a request and waits for the answer, of which at most `room` bytes are put into reply. Returns the answer's
 * size. FESCUE_INTERNAL: the responder failed, c->error says how. */
long fescue_request(fescue_client *c, const char *topic, const void *data, size_t size, void *reply, size_t room,
                    int timeout_ms);

/* Calls another function of this device, as fescue_request(): what it returned is the answer. The configuration grants it,
 * `resources: {invoke: [function]}`. FESCUE_INTERNAL: the function failed, c->error says how. */
long fescue_invoke(fescue_client *c, const char *function, const void *data, size_t size, void *reply, size_t room,
                   int timeout_ms);

/* Answers a call or an invocation. For a plain message it does nothing, so that one handler serves both. */
int fescue_reply(fescue_client *c, const fescue_message *m, const void *data, size_t size);

/* Answers with a failure: a kind of error, as "ValueError", and what was wrong. */
int fescue_fail(fescue_client *c, const fescue_message *m, const char *kind, const char *text);

/* An attribute of an event, by its CloudEvents name ("id", "source", "type", "time", "subject"); empty if it has none. */
fescue_view fescue_attribute(const fescue_message *m, const char *name);

/* Publishes on a kept topic: waits until the message is on disk. When the link is lost meanwhile it is sent again, and kept
 * once nevertheless. */
int fescue_store(fescue_client *c, const char *topic, const void *data, size_t size);

/* Reads a kept topic from a place, a name under which the broker remembers what was done. Each FESCUE_DELIVERY is to be
 * answered with fescue_ack(); fescue_run() and fescue_serve() answer FESCUE_DONE for a handler that did not. */
int fescue_consume(fescue_client *c, fescue_subscription *s, const char *place, const char *filter, fescue_handler handler, void *user);
int fescue_ack(fescue_client *c, const fescue_message *m, enum fescue_verdict verdict, uint32_t delay_ms);

/* Removes a place. */
int fescue_forget(fescue_client *c, const char *place);

/* Gives handler the kept messages of matching topics, oldest first, not before `from` and before `until` (ms since 1970, 0: no
 * bound), and returns how many. limit 0: 1,000; negative: so many of the newest. The handler must not use the client. */
long fescue_history(fescue_client *c, const char *filter, uint64_t from, uint64_t until, long limit, fescue_handler handler, void *user);

/* Lets further messages come, for a subscription with FESCUE_BY_CREDIT. */
int fescue_credit(fescue_client *c, fescue_subscription *s, uint32_t number);

/* The application's durable state. get returns the value's size, of which at most `room` bytes are put into value;
 * FESCUE_NOT_FOUND. The others return when the change is on disk. put_if and delete_if change a key only while it has this
 * revision (0: only while there is none), else FESCUE_CONFLICT. revision may be NULL; ttl_s 0: for good. */
long fescue_get(fescue_client *c, const char *key, void *value, size_t room, uint64_t *revision);
int fescue_put(fescue_client *c, const char *key, const void *value, size_t size, uint32_t ttl_s, uint64_t *revision);
int fescue_put_if(fescue_client *c, const char *key, const void *value, size_t size, uint32_t ttl_s, uint64_t expected, uint64_t *revision);
int fescue_delete(fescue_client *c, const char *key);
int fescue_delete_if(fescue_client *c, const char *key, uint64_t expected);

/* Tells of changes to keys, as FESCUE_CHANGE: s->flags says what besides. After a lost link the present keys come (again), but not
 * those that went meanwhile: the client remembers none. End it with fescue_unsubscribe(). */
int fescue_watch(fescue_client *c, fescue_subscription *s, const char *filter, fescue_handler handler, void *user);

/* Gives handler each present key that matches, without its value, and returns how many. The handler must not use the client. */
long fescue_keys(fescue_client *c, const char *filter, fescue_handler handler, void *user);

/* The descriptor that is readable when fescue_next() has something to do, for a program with an event loop of its own;
 * -1 while the link is lost. Call fescue_next() with time-out 0 until it returns 0. */
int fescue_fd(const fescue_client *c);

/* Writes a line to the application's log; level 0 debug, 1 info, 2 warning, 3 error. */
int fescue_log(fescue_client *c, int level, const char *text);

/* Sends what is held back. */
int fescue_flush(fescue_client *c);

/* Waits until the broker has handled everything sent so far. */
int fescue_drain(fescue_client *c);

/* The main loop of a function (`handler:` in fescue.yaml names the program): calls handler for each event, one after the other, until
 * the agent says that the worker is to exit. Returns the status for main(). */
int fescue_serve(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size, fescue_handler handler,
                 void *user);

/* Sends a piece of an event's answer while it is made, and waits while the caller reads more slowly; fescue_reply() ends the answer, with
 * the last piece or nothing. For fescue_serve(). FESCUE_GONE: nobody waits for it any longer. FESCUE_UNSUPPORTED: an older agent. */
int fescue_part(fescue_client *c, const fescue_message *m, const void *data, size_t size);

/* Before the first piece: what an answer over HTTP has beside its body, as JSON, {"statusCode": 200, "headers": {"Content-Type": "text/csv"}}. */
int fescue_head(fescue_client *c, const fescue_message *m, const char *json);

/* The same for a program with a main loop of its own, which may handle several events at once: takes over the link that the
 * agent left. Call fescue_ready() when the handler is loaded; then fescue_next() gives events (FESCUE_INVOKE), and FESCUE_CANCEL with the id of
 * one for which nobody waits any longer. Copy what is to outlive the next fescue_next(), and answer each event, in any order, by
 * fescue_reply() or fescue_fail() with a message that has its type, id and session. FESCUE_STOPPED: answer what is left, and close. */
int fescue_adopt(fescue_client *c, void *in, size_t in_size, void *out, size_t out_size, const fescue_options *options);
int fescue_ready(fescue_client *c);

/* For handlers that take long: whether nobody waits for this invocation any longer. */
int fescue_cancelled(fescue_client *c, const fescue_message *m);

/* The rest of a client is its own; application, device, max_body and error may be read. */
struct fescue_client {
    char application[64];
    char device[64];
    uint32_t max_body; /* the largest body that the broker accepts */
    char error[400];   /* what was wrong with the last call that failed */

    fescue_options options;
    char *in, *out;
    size_t in_size, out_size, out_used;
    size_t held, taken, scanned, filled; /* offsets in `in`: message being looked at, next one, unread, end */
    size_t skipping;                     /* bytes still to come of a frame that has no room */
    uint16_t capabilities;
    uint16_t last_id;
    uint32_t last_request;
    uint32_t session; /* counts the links */
    uint32_t current; /* invocation being handled */
    uint32_t credit;  /* bytes of its answer that may be sent in pieces */
    uint32_t grants;  /* messages that the broker takes now, where it limits them */
    uint32_t stores;  /* count of message ids */
    uint64_t nonce;   /* makes message ids this client's own */
    int64_t retry_at; /* when to connect again, ms */
    int64_t glanced;  /* when the link was last looked at by fescue_publish(), ms */
    uint32_t unread;  /* publishes since */
    uint8_t open, welcomed, worker, own_loop, stopping, leaving, closing, answered, cancelled, withdrawn, granting;
    int refusal;       /* the status with which the broker closes */
    int fatal;         /* the status that ended the session for good */
    int64_t refused_at; /* since when the token has been unknown, ms */
    int pause_ms;      /* before the next attempt to connect */
    int reading, writing, lifeline, wake[2];
    size_t chunk; /* bytes of a queue's message; 0: a stream */
    fescue_topic *topics;
    fescue_subscription *subscriptions, *recent;
    struct fescue_wait {
        uint8_t type; /* of the frame that is to be answered; 0: none */
        uint8_t done;
        uint32_t id;
        int status;
        char *reply;
        size_t room, size;
        uint64_t revision;
    } wait;
    struct fescue_listing {
        uint32_t id;  /* of HISTORY or WATCH; 0: none */
        uint8_t type; /* FESCUE_PAST or FESCUE_CHANGE */
        uint8_t done;
        long count;
        fescue_handler handler;
        void *user;
    } listing;
};

/* ---- The codec. ---- */

enum fescue_type {
    FESCUE_HELLO = 0x01,
    FESCUE_WELCOME = 0x02,
    FESCUE_ERROR = 0x03,
    FESCUE_PING = 0x04,
    FESCUE_PONG = 0x05,
    FESCUE_GOODBYE = 0x06,
    FESCUE_GRANTED = 0x07, /* OK */
    FESCUE_REGISTER = 0x10,
    FESCUE_UNREGISTER = 0x11,
    FESCUE_SUBSCRIBE = 0x12,
    FESCUE_UNSUBSCRIBE = 0x13,
    FESCUE_CONSUME = 0x14,
    FESCUE_FORGET = 0x15,
    FESCUE_PUBLISH = 0x20,
    FESCUE_PUBLISHTO = 0x21,
    FESCUE_MESSAGE = 0x22,
    FESCUE_REQUEST = 0x23,
    FESCUE_CALL = 0x24,
    FESCUE_REPLY = 0x25,
    FESCUE_STORE = 0x26,
    FESCUE_DELIVERY = 0x27,
    FESCUE_ACK = 0x28,
    FESCUE_HISTORY = 0x29,
    FESCUE_PAST = 0x2A,
    FESCUE_READY = 0x30,
    FESCUE_INVOKE = 0x31,
    FESCUE_RESULT = 0x32,
    FESCUE_FAILURE = 0x33,
    FESCUE_CANCEL = 0x34,
    FESCUE_PART = 0x35,
    FESCUE_MORE = 0x36,
    FESCUE_LOG = 0x40,
    FESCUE_GET = 0x48,
    FESCUE_PUT = 0x49,
    FESCUE_DELETE = 0x4A,
    FESCUE_WATCH = 0x4B,
    FESCUE_UNWATCH = 0x4C,
    FESCUE_VALUE = 0x4D,
    FESCUE_STORED = 0x4E,
    FESCUE_CHANGE = 0x4F,
    FESCUE_CREDIT = 0x60,
    FESCUE_EXTENSION = 0x80 /* and above: skipped by who does not know it */
};

enum fescue_capability {
    FESCUE_CAN_REQUEST = 1,
    FESCUE_CAN_SERVE = 2,
    FESCUE_CAN_LOG = 4,
    FESCUE_CAN_STATE = 8,
    FESCUE_CAN_KEEP = 16,
    FESCUE_CAN_HISTORY = 32,
    FESCUE_CAN_CREDIT = 64,
    FESCUE_CAN_QUEUE = 256,
    FESCUE_CAN_PART = 512
};

#define FESCUE_HEADER 8
#define FESCUE_MAX_LENGTH 0xFFFFFFu
#define FESCUE_MAX_TOPIC 1024
#define FESCUE_MAX_MESSAGE_ID 64
#define FESCUE_NEWEST 1 /* flag of HISTORY */
#define FESCUE_MAX_PART 65536u
#define FESCUE_WINDOW 262144u /* data of PARTs before MORE */

/* A frame with the fields of its type; the others are 0. Views point into the bytes it was read from. */
typedef struct fescue_frame {
    uint8_t type;
    uint32_t id;
    uint8_t lowest, highest; /* versions; of WELCOME the version is `highest` */
    uint16_t capabilities;
    uint32_t max_body;
    uint16_t code;           /* of ERROR and GOODBYE */
    uint8_t refused;         /* the type of the frame refused, or granted (OK) */
    uint8_t policy;
    uint8_t choice; /* start of CONSUME, verdict of ACK, condition of PUT and DELETE, kind of CHANGE */
    uint16_t flags;
    uint16_t queue, window, attempts;
    uint32_t subscription, timeout_ms; /* patience of CONSUME */
    uint32_t number;                   /* delay of ACK, limit of HISTORY, time to live of PUT, CREDIT */
    uint64_t sequence;                 /* or revision */
    uint64_t time, until;              /* `from` of CONSUME and HISTORY is the time */
    uint8_t attribute_count;
    fescue_view attributes; /* names and values, each a str16 */
    fescue_view first;      /* token; application; topic; place; message id; key; text of GOODBYE; type of FAILURE */
    fescue_view second;     /* client's name; device; text of ERROR; message of FAILURE; dead letter; topic of STORE */
    fescue_view rest;       /* payload; value; topic of REGISTER; filter; stack trace; text of LOG; key of GET and DELETE */
} fescue_frame;

/* The size of the frame that begins at data, header included; 0 while fewer than 8 bytes are there. */
size_t fescue_frame_size(const void *data, size_t size);

/* Reads a whole frame (size as fescue_frame_size() says) that the broker sent, or the client if from_client.
 * 1: read; 0: an extension, to be skipped; FESCUE_MALFORMED. */
int fescue_decode(const void *data, size_t size, int from_client, fescue_frame *f);

/* Writes a frame but for its rest, which is to follow: so that a payload need not be copied. Returns the bytes written;
 * 0 if there is no room, if a text is longer than 65,535 bytes or the body longer than FESCUE_MAX_LENGTH. */
size_t fescue_encode_head(const fescue_frame *f, void *out, size_t room);

/* Writes a whole frame. */
size_t fescue_encode(const fescue_frame *f, void *out, size_t room);

#ifdef __cplusplus
}
#endif
#endif
