/*
 * relay.c - the limit: what the generator and the kernel can do when the server does next to nothing.
 *
 * It is no chat server. It trusts its one client, load.c: the fixed key of its upgrade, digits at the
 * end of its user names, no escapes in its JSON. It finds `toUserId`, adds a timestamp and passes the
 * event on; `init` it answers with `ready`. One thread on epoll, one write per receiver and wake-up.
 *
 * Build: gcc -O2 -o relay relay.c      Run: relay PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, EVENTS = 512, USERS = 65536 };

static const char UPGRADED[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* load.c's KEY has this answer */

struct peer {
    int fd, user;
    bool upgraded, dirty, watching_writes, dead;
    uint8_t *in, *out;
    size_t in_len, in_cap, out_pos, out_len, out_cap;
};

static struct peer *users[USERS]; /* the number at the end of the name -> its socket */
static struct peer **dirty, **dead; /* those with bytes to write, and those to free, in this turn */
static size_t dirty_count, dirty_cap, dead_count, dead_cap;
static int epoll_fd;

static void *grown(void *memory, size_t *capacity, size_t needed, size_t each) {
    if (needed <= *capacity) return memory;
    while (*capacity < needed) *capacity = *capacity ? *capacity * 2 : 256;
    memory = realloc(memory, *capacity * each);
    if (!memory) abort();
    return memory;
}

static void end(struct peer *p) {
    if (p->dead) return;
    p->dead = true;
    close(p->fd);
    if (p->user >= 0 && users[p->user] == p) users[p->user] = NULL;
    dead = grown(dead, &dead_cap, dead_count + 1, sizeof *dead); /* freed after the turn */
    dead[dead_count++] = p;
}

static uint8_t *reserve(struct peer *p, size_t bytes) {
    p->out = grown(p->out, &p->out_cap, p->out_len + bytes, 1);
    uint8_t *at = p->out + p->out_len;
    p->out_len += bytes;
    if (!p->dirty) {
        p->dirty = true;
        dirty = grown(dirty, &dirty_cap, dirty_count + 1, sizeof *dirty);
        dirty[dirty_count++] = p;
    }
    return at;
}

static void watch(struct peer *p, bool writes) {
    if (p->watching_writes == writes) return;
    p->watching_writes = writes;
    struct epoll_event e = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = p};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, p->fd, &e);
}

static void flush(struct peer *p) {
    ssize_t n = send(p->fd, p->out + p->out_pos, p->out_len - p->out_pos, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return end(p);
    if (n > 0) p->out_pos += n;
    if (p->out_pos == p->out_len) p->out_pos = p->out_len = 0;
    watch(p, p->out_len > 0);
}

/* The number at the end of a user name: u17 -> 17. */
static int user_after(const char *text, size_t length, const char *key) {
    const char *p = memmem(text, length, key, strlen(key));
    if (!p) return -1;
    p += strlen(key);
    const char *quote = memchr(p, '"', text + length - p), *digit = quote;
    int number = 0, unit = 1;
    while (digit && digit > p && digit[-1] >= '0' && digit[-1] <= '9')
        number += (*--digit - '0') * unit, unit *= 10;
    return quote ? number % USERS : -1;
}

static size_t timestamp(char *to, size_t room) {
    static char text[64];
    static time_t last;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (t.tv_sec != last) {
        struct tm parts;
        gmtime_r(&t.tv_sec, &parts);
        strftime(text, sizeof text, ",\"timestamp\":\"%Y-%m-%dT%H:%M:%S.", &parts);
        last = t.tv_sec;
    }
    int ms = t.tv_nsec / 1000000;
    return snprintf(to, room, "%s%c%c%cZ\"}", text, '0' + ms / 100, '0' + ms / 10 % 10, '0' + ms % 10);
}

static void on_init(struct peer *p, const char *text, size_t length) {
    static const char ready[] = "\x81\x10{\"type\":\"ready\"}"; /* a frame of 16 bytes */
    p->user = user_after(text, length, "\"userId\":\"");
    if (p->user >= 0) users[p->user] = p;
    memcpy(reserve(p, sizeof ready - 1), ready, sizeof ready - 1);
}

static void on_event(struct peer *p, const char *text, size_t length) {
    if (!memcmp(text, "{\"type\":\"init\"", 14)) return on_init(p, text, length);
    int to = user_after(text, length, "\"toUserId\":\"");
    if (to < 0 || !users[to]) return;
    char tail[80];
    size_t tail_length = timestamp(tail, sizeof tail), size = length - 1 + tail_length;
    uint8_t *out = reserve(users[to], size + (size < 126 ? 2 : 4));
    *out++ = 0x81;
    if (size < 126) *out++ = size;
    else *out++ = 126, *out++ = size >> 8, *out++ = size & 255;
    memcpy(out, text, length - 1); /* all but the closing brace */
    memcpy(out + length - 1, tail, tail_length);
}

static void on_readable(struct peer *p) {
    static uint8_t data[READ_BYTES];
    memcpy(data, p->in, p->in_len);
    ssize_t n = recv(p->fd, data + p->in_len, READ_BYTES - p->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return end(p);
    size_t length = p->in_len + n, used = 0;
    if (!p->upgraded) {
        uint8_t *blank = memmem(data, length, "\r\n\r\n", 4);
        if (blank) {
            p->upgraded = true;
            used = blank + 4 - data;
            memcpy(reserve(p, sizeof UPGRADED - 1), UPGRADED, sizeof UPGRADED - 1);
        }
    }
    while (p->upgraded && length - used >= 6) {
        uint8_t *f = data + used;
        size_t head = 6, size = f[1] & 127;
        if (size == 126) head = 8, size = f[2] << 8 | f[3];
        if (size == 127 || length - used < head + size) break;
        uint8_t *mask = f + head - 4, *body = f + head;
        uint32_t key;
        memcpy(&key, mask, 4);
        size_t i = 0;
        for (uint32_t word; i + 4 <= size; i += 4)
            memcpy(&word, body + i, 4), word ^= key, memcpy(body + i, &word, 4);
        for (; i < size; i++) body[i] ^= mask[i & 3];
        used += head + size;
        if ((f[0] & 15) == 8) return end(p);
        if ((f[0] & 15) == 1 && size >= 14) on_event(p, (char *)body, size);
    }
    p->in_len = length - used;
    p->in = grown(p->in, &p->in_cap, p->in_len, 1);
    memcpy(p->in, data + used, p->in_len);
}

static void on_connection(int listener) {
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct peer *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->fd = fd, p->user = -1;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096))
        return perror("relay"), 1;
    epoll_fd = epoll_create1(0);
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
    for (;;) { /* until a signal: the benchmark stops it by its process id */
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (!p) on_connection(listener);
            else if (!p->dead && events[i].events & EPOLLOUT) flush(p);
            if (p && !p->dead && events[i].events & ~EPOLLOUT) on_readable(p);
        }
        for (size_t i = 0; i < dirty_count; i++) {
            dirty[i]->dirty = false;
            if (!dirty[i]->dead) flush(dirty[i]);
        }
        dirty_count = 0;
        for (size_t i = 0; i < dead_count; i++) free(dead[i]->in), free(dead[i]->out), free(dead[i]);
        dead_count = 0;
    }
}
