/* The least that can stand between two clients: bytes are copied from one to the other, each way by a thread that blocks in
 * its system calls. No frames, no topics, nobody else. "relay stream PATH" listens there for two clients; "relay queue PREFIX"
 * makes message queues PREFIX-0 and PREFIX-1 to itself, PREFIX-2 and PREFIX-3 from itself. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER = 1 << 17 };

static char names[4][100];

static _Noreturn void fail_with(const char *what) {
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

struct way {
    int from, to;
};

static void *copy_stream(void *argument) {
    const struct way *w = argument;
    char *buffer = malloc(BUFFER);
    ssize_t n, m, done;
    while ((n = read(w->from, buffer, BUFFER)) > 0)
        for (done = 0; done < n; done += m)
            if ((m = write(w->to, buffer + done, (size_t)(n - done))) <= 0) return NULL;
    return NULL;
}

static void *copy_queue(void *argument) {
    const struct way *w = argument;
    char *buffer = malloc(BUFFER);
    ssize_t n;
    while ((n = mq_receive(w->from, buffer, BUFFER, NULL)) > 0)
        if (mq_send(w->to, buffer, (size_t)n, 0) != 0) break;
    return NULL;
}

static void listen_at(const char *path, int clients[2]) {
    struct sockaddr_un address;
    int i, s = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) fail_with("path");
    strcpy(address.sun_path, path);
    if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof address) != 0 || listen(s, 2) != 0) fail_with(path);
    printf("ready\n");
    for (i = 0; i < 2; i++)
        if ((clients[i] = accept(s, NULL, NULL)) < 0) fail_with("accept");
}

static void remove_queues(int signal) {
    int i;
    for (i = 0; i < 4; i++) mq_unlink(names[i]);
    if (signal > 0) _exit(0);
}

static void make_queues(const char *prefix, int queues[4]) {
    int i;
    for (i = 0; i < 4; i++) {
        snprintf(names[i], sizeof names[i], "%s-%d", prefix, i);
        queues[i] = mq_open(names[i], O_CREAT | O_EXCL | (i < 2 ? O_RDONLY : O_WRONLY), 0600, NULL);
        if (queues[i] < 0) {
            int why = errno;
            remove_queues(0);
            errno = why;
            fail_with("mq_open");
        }
    }
    signal(SIGTERM, remove_queues);
    printf("ready\n");
}

int main(int argc, char **argv) {
    static struct way there, back;
    int ends[4];
    pthread_t thread;
    int queues = argc == 3 && strcmp(argv[1], "queue") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3) return 2;
    if (queues) {
        make_queues(argv[2], ends);
        there.from = ends[0];
        there.to = ends[3];
        back.from = ends[1];
        back.to = ends[2];
    } else {
        listen_at(argv[2], ends);
        there.from = back.to = ends[0];
        there.to = back.from = ends[1];
    }
    if (pthread_create(&thread, NULL, queues ? copy_queue : copy_stream, &there) != 0) fail_with("thread");
    (queues ? copy_queue : copy_stream)(&back);
    pthread_join(thread, NULL);
    return 0;
}
