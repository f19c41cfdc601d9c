/* The conformance driver of the C SDK: does what the lines on its standard input say, see sdk/conformance/README.md. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fescue.h"

enum { MOST_WORDS = 12, MOST_NAMES = 256, MOST_TEXTS = 1024, LINE = 3 << 20 };

typedef struct named {
    char name[64];
    int gone;    /* ended; the memory stays, for a message may still be on its way */
    int answers; /* requests, with their bytes in reverse */
    fescue_subscription subscription;
} named;

typedef struct driver {
    fescue_client client;
    int holding, closed;
    char *words[MOST_WORDS];
    int count;
    named names[MOST_NAMES];
    char *texts[MOST_TEXTS];
    int name_count, text_count;
    struct {
        fescue_topic topic;
        const char *name;
    } topics[MOST_NAMES];
    char listed[1 << 16];
} driver;

static char in[FESCUE_BUFFER(2 << 20)], out[FESCUE_BUFFER(1 << 16)], line[LINE], bytes[LINE / 2 + 1], reply[1 << 20];

static void print_hex(fescue_view v) {
    size_t i;
    if (v.size == 0) putchar('-');
    for (i = 0; i < v.size; i++) printf("%02x", (unsigned)(unsigned char)v.data[i]);
}

static unsigned digit(char c) { return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) & 15; }

/* The bytes of a word, which stay until the next command. */
static fescue_view unhex(const char *word) {
    fescue_view v = {bytes, 0};
    if (strcmp(word, "-") == 0) return v;
    for (; word[0] != 0 && word[1] != 0; word += 2) bytes[v.size++] = (char)(digit(word[0]) << 4 | digit(word[1]));
    bytes[v.size] = 0;
    return v;
}

static const char *name_of(int status) { return status == FESCUE_STOPPED ? "closed" : fescue_status_name(status); }

static void answer(driver *d, long status) {
    if (status >= 0) printf("ok\n");
    else printf("error %s %s\n", name_of((int)status), d->client.error);
}

static void trouble(void *user, int status, const char *text) {
    (void)user;
    printf("trouble %s %s\n", name_of(status), text);
}

/* A copy of a word for as long as the driver lives. */
static const char *keep(driver *d, const char *word) {
    if (d->text_count == MOST_TEXTS) exit(2);
    return d->texts[d->text_count++] = strdup(word);
}

static named *find(driver *d, const char *name) {
    int i;
    for (i = 0; i < d->name_count; i++)
        if (!d->names[i].gone && strcmp(d->names[i].name, name) == 0) return &d->names[i];
    fprintf(stderr, "no subscription %s\n", name);
    exit(2);
}

static named *make(driver *d, const char *name) {
    named *n = &d->names[d->name_count++];
    if (d->name_count == MOST_NAMES) exit(2);
    snprintf(n->name, sizeof n->name, "%s", name);
    n->subscription.user = n;
    return n;
}

/* Forgets a name whose subscription was refused. */
static void made(driver *d, named *n, int status) {
    n->gone = status < 0;
    answer(d, status);
}

static int publish(driver *d, const char *topic, const void *data, size_t size) {
    int i = 0, status;
    while (d->topics[i].name != NULL && strcmp(d->topics[i].name, topic) != 0) i++;
    if (d->topics[i].name == NULL) d->topics[i].name = keep(d, topic);
    status = fescue_register(&d->client, &d->topics[i].topic, d->topics[i].name);
    return status < 0 ? status : fescue_publish(&d->client, &d->topics[i].topic, data, size);
}

static int flood(driver *d, const char *topic, long number, size_t size) {
    uint32_t n;
    int status = 0;
    memset(bytes, 'x', size);
    for (n = 0; n < (uint32_t)number && status == 0; n++) {
        int i;
        for (i = 0; i < 4; i++) bytes[i] = (char)(n >> 8 * i & 0xFF);
        status = publish(d, topic, bytes, size);
    }
    return status;
}

static uint8_t policy_of(const char *name) {
    return strcmp(name, "block") == 0 ? FESCUE_BLOCK : strcmp(name, "drop-newest") == 0 ? FESCUE_DROP_NEWEST : FESCUE_DROP_OLDEST;
}

static void subscribe(driver *d, char **w) {
    named *n = make(d, w[1]);
    n->subscription.policy = policy_of(w[3]);
    n->subscription.queue = (uint16_t)atoi(w[4]);
    if (strcmp(w[5], "-") != 0) {
        n->subscription.flags = FESCUE_BY_CREDIT;
        n->subscription.credit = (uint32_t)atol(w[5]);
    }
    made(d, n, fescue_subscribe(&d->client, &n->subscription, keep(d, w[2]), NULL, n));
}

static void respond(driver *d, char **w) {
    named *n = make(d, w[1]);
    n->answers = 1;
    n->subscription.flags = FESCUE_ANSWERS;
    made(d, n, fescue_subscribe(&d->client, &n->subscription, keep(d, w[2]), NULL, n));
}

static void consume(driver *d, char **w) {
    named *n = make(d, w[1]);
    fescue_subscription *s = &n->subscription;
    s->start = strcmp(w[4], "oldest") == 0 ? FESCUE_FROM_OLDEST : FESCUE_FROM_NOW;
    s->window = (uint16_t)atoi(w[5]);
    s->patience_ms = (uint32_t)atol(w[6]);
    s->attempts = (uint16_t)atoi(w[7]);
    s->dead_letter = strcmp(w[8], "-") == 0 ? NULL : keep(d, w[8]);
    made(d, n, fescue_consume(&d->client, s, keep(d, w[2]), keep(d, w[3]), NULL, n));
}

static void acknowledge(driver *d, char **w, enum fescue_verdict verdict) {
    fescue_message m = {0};
    m.type = FESCUE_DELIVERY;
    m.session = d->client.session;
    m.subscription = &find(d, w[1])->subscription;
    m.sequence = strtoull(w[2], NULL, 10);
    answer(d, fescue_ack(&d->client, &m, verdict, d->count > 3 && strcmp(w[3], "-") != 0 ? (uint32_t)atol(w[3]) : FESCUE_OWN_DELAY));
}

static void past(fescue_client *c, const fescue_message *m, void *user) {
    (void)c;
    (void)user;
    printf("past %llu %llu %.*s ", (unsigned long long)m->sequence, (unsigned long long)m->time, FESCUE_PRINT(m->topic));
    print_hex(m->payload);
    putchar('\n');
}

static void listed(fescue_client *c, const fescue_message *m, void *user) {
    driver *d = user;
    size_t used = strlen(d->listed);
    (void)c;
    snprintf(d->listed + used, sizeof d->listed - used, " %.*s", FESCUE_PRINT(m->topic));
}

static void list_keys(driver *d, const char *filter) {
    long n;
    d->listed[0] = 0;
    n = fescue_keys(&d->client, filter, listed, d);
    if (n < 0) answer(d, n);
    else printf("ok%s\n", d->listed);
}

static void list_history(driver *d, char **w) {
    long n = fescue_history(&d->client, w[1], strtoull(w[2], NULL, 10), strtoull(w[3], NULL, 10), atol(w[4]), past, d);
    if (n < 0) answer(d, n);
    else printf("ok %ld\n", n);
}

static void connect_client(driver *d) {
    fescue_options o = {0};
    int status;
    o.on_error = trouble;
    status = fescue_connect(&d->client, in, sizeof in, out, sizeof out, &o);
    if (status < 0) answer(d, status);
    else printf("ok %s %s\n", d->client.application, d->client.device);
}

static void print_value(driver *d, long size, uint64_t revision, int with_revision) {
    fescue_view v = {reply, 0};
    if (size < 0) {
        answer(d, size);
        return;
    }
    v.size = (size_t)size;
    printf("ok ");
    if (with_revision) printf("%llu ", (unsigned long long)revision);
    print_hex(v);
    putchar('\n');
}

static void print_revision(driver *d, int status, uint64_t revision) {
    if (status < 0) answer(d, status);
    else printf("ok %llu\n", (unsigned long long)revision);
}

static int state_command(driver *d, char **w) {
    uint64_t revision = 0;
    fescue_view v = {"", 0};
    if (d->count > 2) v = unhex(w[2]);
    if (strcmp(w[0], "get") == 0) {
        long n = fescue_get(&d->client, w[1], reply, sizeof reply, &revision);
        print_value(d, n, revision, 1);
    } else if (strcmp(w[0], "put") == 0) {
        int status = fescue_put(&d->client, w[1], v.data, v.size, (uint32_t)atol(w[3]), &revision);
        print_revision(d, status, revision);
    } else if (strcmp(w[0], "put-if") == 0) {
        int status = fescue_put_if(&d->client, w[1], v.data, v.size, 0, strtoull(w[3], NULL, 10), &revision);
        print_revision(d, status, revision);
    } else if (strcmp(w[0], "delete") == 0) answer(d, fescue_delete(&d->client, w[1]));
    else if (strcmp(w[0], "delete-if") == 0) answer(d, fescue_delete_if(&d->client, w[1], strtoull(w[2], NULL, 10)));
    else if (strcmp(w[0], "keys") == 0) list_keys(d, w[1]);
    else if (strcmp(w[0], "watch") == 0) {
        named *n = make(d, w[1]);
        n->subscription.flags = FESCUE_WITH_PRESENT;
        made(d, n, fescue_watch(&d->client, &n->subscription, keep(d, w[2]), NULL, n));
    } else return 0;
    return 1;
}

static int keep_command(driver *d, char **w) {
    if (strcmp(w[0], "store") == 0) {
        fescue_view v = unhex(w[2]);
        answer(d, fescue_store(&d->client, w[1], v.data, v.size));
    } else if (strcmp(w[0], "consume") == 0) consume(d, w);
    else if (strcmp(w[0], "done") == 0) acknowledge(d, w, FESCUE_DONE);
    else if (strcmp(w[0], "again") == 0) acknowledge(d, w, FESCUE_AGAIN);
    else if (strcmp(w[0], "reject") == 0) acknowledge(d, w, FESCUE_REJECTED);
    else if (strcmp(w[0], "forget") == 0) answer(d, fescue_forget(&d->client, w[1]));
    else if (strcmp(w[0], "history") == 0) list_history(d, w);
    else return 0;
    return 1;
}

static void end_name(driver *d, const char *name) {
    named *n = find(d, name);
    int status = fescue_unsubscribe(&d->client, &n->subscription);
    n->gone = 1;
    answer(d, status);
}

static int subscription_command(driver *d, char **w) {
    if (strcmp(w[0], "subscribe") == 0) subscribe(d, w);
    else if (strcmp(w[0], "respond") == 0) respond(d, w);
    else if (strcmp(w[0], "credit") == 0) answer(d, fescue_credit(&d->client, &find(d, w[1])->subscription, (uint32_t)atol(w[2])));
    else if (strcmp(w[0], "unsubscribe") == 0 || strcmp(w[0], "unwatch") == 0) end_name(d, w[1]);
    else if (strcmp(w[0], "hold") == 0 || strcmp(w[0], "resume") == 0) {
        d->holding = w[0][0] == 'h';
        answer(d, 0);
    } else return 0;
    return 1;
}

static void close_client(driver *d) {
    fescue_close(&d->client, 5000);
    d->closed = 1;
    answer(d, 0);
}

static int publish_command(driver *d, char **w) {
    fescue_view v = {"", 0};
    if (d->count > 2) v = unhex(w[d->count - 1]);
    if (strcmp(w[0], "publish") == 0) answer(d, publish(d, w[1], v.data, v.size));
    else if (strcmp(w[0], "confirm") == 0) answer(d, fescue_publish_to(&d->client, w[1], v.data, v.size));
    else if (strcmp(w[0], "flood") == 0) answer(d, flood(d, w[1], atol(w[2]), (size_t)atol(w[3])));
    else if (strcmp(w[0], "request") == 0) {
        long n = fescue_request(&d->client, w[1], v.data, v.size, reply, sizeof reply, atoi(w[2]));
        print_value(d, n, 0, 0);
    } else if (strcmp(w[0], "log") == 0) answer(d, fescue_log(&d->client, atoi(w[1]), v.data));
    else return 0;
    return 1;
}

static void obey(driver *d, char *command) {
    char *word, *rest = NULL;
    d->count = 0;
    for (word = strtok_r(command, " \n", &rest); word != NULL && d->count < MOST_WORDS; word = strtok_r(NULL, " \n", &rest)) d->words[d->count++] = word;
    if (d->count == 0) return;
    if (strcmp(d->words[0], "connect") == 0) connect_client(d);
    else if (strcmp(d->words[0], "close") == 0) close_client(d);
    else if (strcmp(d->words[0], "drain") == 0) answer(d, fescue_drain(&d->client));
    else if (!publish_command(d, d->words) && !subscription_command(d, d->words) && !keep_command(d, d->words) && !state_command(d, d->words))
        printf("error unsupported %s\n", d->words[0]);
}

static void respond_to(driver *d, const fescue_message *m) {
    size_t i;
    if (m->payload.size == 4 && memcmp(m->payload.data, "fail", 4) == 0) {
        fescue_fail(&d->client, m, "Failure", "as it was told to");
        return;
    }
    for (i = 0; i < m->payload.size; i++) reply[i] = m->payload.data[m->payload.size - 1 - i];
    fescue_reply(&d->client, m, reply, m->payload.size);
}

static void show(driver *d, const fescue_message *m) {
    static const char *const kinds[] = {"put", "deleted", "expired", "end"};
    named *n = m->subscription->user;
    if (m->type == FESCUE_CALL) {
        respond_to(d, m);
        return;
    }
    if (m->type == FESCUE_CHANGE) {
        printf("change %s %s %llu ", n->name, kinds[m->change], (unsigned long long)m->sequence);
        printf("%.*s ", m->topic.size > 0 ? (int)m->topic.size : 1, m->topic.size > 0 ? m->topic.data : "-");
    } else if (m->type == FESCUE_DELIVERY)
        printf("delivery %s %llu %u %u %.*s ", n->name, (unsigned long long)m->sequence, m->attempt, m->maybe_before, FESCUE_PRINT(m->topic));
    else printf("message %s %.*s ", n->name, FESCUE_PRINT(m->topic));
    print_hex(m->payload);
    putchar('\n');
}

static void show_ended(driver *d) {
    int i;
    for (i = 0; i < d->name_count; i++)
        if (!d->names[i].gone && d->names[i].subscription.ended < 0) {
            printf("ended %s %s\n", d->names[i].name, name_of(d->names[i].subscription.ended));
            d->names[i].gone = 1;
        }
}

/* Takes what has come. */
static void take_messages(driver *d) {
    fescue_message m;
    int status;
    while (!d->holding && (status = fescue_next(&d->client, &m, 0)) != 0) {
        if (status == 1) show(d, &m);
        else if (status == FESCUE_DENIED) show_ended(d);
        else break;
    }
}

/* Reads commands and obeys the whole ones; 0 at the end. */
static int take_commands(driver *d) {
    static size_t have;
    char *begin = line, *end;
    ssize_t n = read(STDIN_FILENO, line + have, sizeof line - have - 1);
    if (n <= 0) return 0;
    have += (size_t)n;
    line[have] = 0;
    for (; !d->closed && (end = strchr(begin, '\n')) != NULL; begin = end + 1) {
        *end = 0;
        obey(d, begin);
    }
    have -= (size_t)(begin - line);
    memmove(line, begin, have);
    return 1;
}

int main(void) {
    static driver d;
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    while (!d.closed) {
        struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};
        int connected = d.client.session > 0;
        if (connected && !d.holding) p[1].fd = fescue_fd(&d.client);
        poll(p, 2, 20);
        if (p[0].revents != 0 && !take_commands(&d)) return 1;
        if (connected && !d.closed) take_messages(&d);
    }
    return 0;
}
