/*
 * load.c - the load generator: many WebSocket clients in one thread on epoll.
 *
 * It knows two dialects: the plain JSON events of our server, and Socket.IO 5 over Engine.IO 4.
 * It has three modes:
 *
 *   relay     clients in pairs. Closed loop: each keeps --window chats in flight, and a receipt (or,
 *             with --ack, an ack) sends the next. Open loop: --rate R sends R chats a second in all,
 *             whether or not the server keeps up, and latency counts from the intended send time, so
 *             that a server that stalls cannot hide it by slowing the generator down.
 *   idle      opens --clients sockets, says so, and holds them until standard input ends.
 *   back      clients come back: each connects, upgrades, says init, waits for ready, and stays; --concurrency
 *             of them at a time. Latency is from connect to ready. With --others N, the first N are there
 *             before, and send --rate chats a second in all meanwhile, each to be acknowledged.
 *
 * While it measures it polls and never sleeps: a sleeping client makes each write of the server pay for
 * waking the client's core, which no server pays that talks to a network card. In turn its CPU share is
 * always 100 %, so it also counts `generator_busy`, the seconds in which it had work to do. Near the
 * whole window, that would make it the limit. The server's CPU time (--pid) covers the same window.
 * With --sleep it sleeps all the same: where servers need the core as well, and CPU time is what is measured.
 *
 * It prints one line of JSON (in idle mode a second one, {"open":N}, before it) and leaves with 1 when
 * anything went wrong.
 *
 * Build: gcc -O2 -o load load.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdarg.h>
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

enum { MESSAGE_BYTES = 60, READ_BYTES = 256 * 1024, EVENTS = 512, HEAD_BYTES = 160, OPENED_A_TURN = 64 };
enum { OUTBOX_LIMIT = 4 << 20 };  /* a client with more unsent than this has a stalled server */
#define SECOND 1000000000LL
#define SETUP_SECONDS 120         /* every phase has an end, whatever the server does */
#define HOLD_SECONDS 120
#define DRAIN_SECONDS 5

/* The sample key of RFC 6455, section 1.3: its answer is known, so it can be checked without SHA-1. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum mode { RELAY, IDLE, BACK };
static struct {
    enum mode mode;
    const char *path, *prefix;
    int port, other_port, clients, others, window, concurrency, pid, other_pid;
    double warmup, seconds, rate;
    bool ack, socketio, sleep, sync;
} opt = {.path = "/", .prefix = "u", .clients = 100, .window = 1, .concurrency = 50,
         .warmup = 1, .seconds = 3};

/* One client. A frame that is not yet whole waits in `in`; bytes the kernel did not take in `out`. */
enum state { CLOSED, CONNECTING, UPGRADING, GREETING, REGISTERING, READY };
struct client {
    int fd;
    enum state state;
    bool watching_writes;
    uint8_t *in, *out;
    size_t in_len, in_cap, out_pos, out_len, out_cap;
    int64_t connected_at, last_ref;
    char head[HEAD_BYTES];  /* the chat event up to the message's first byte; the same every time */
    int head_len;
};

static struct client *clients;
static int epoll_fd;
static int wanted, opened, opening, ready_count; /* `wanted`: so many clients are to be there now */
static bool polling, sending, counting;  /* never sleep; the load runs; this is the measured window */
static int64_t idle_ns;         /* spent in polls that found nothing */
static int64_t sent, received, acked, errors, connect_failures, lost_connections, counted;
static uint64_t run_id, client_ids;
static int64_t next_due, due_interval;
static int next_sender;
static char problem[300];       /* the first thing that went wrong, for the report */

/* ---- time, numbers ----------------------------------------------------------------------------- */

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void complain(const char *format, ...) {
    if (problem[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(problem, sizeof problem, format, args);
    va_end(args);
    for (char *p = problem; *p; p++) /* it is printed inside a JSON string */
        if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ') *p = '\'';
}

/* Latencies go into a log-linear histogram: 64 steps to each power of two, so at most 1.6 % off. */
enum { STEPS = 64, POWERS = 40 };
struct histogram { uint64_t count[POWERS * STEPS], total; };
static struct histogram latency, delivery, others_latency;

static void record(struct histogram *h, int64_t ns) {
    uint64_t v = ns > 0 ? ns / 100 : 0; /* in tenths of a microsecond */
    int power = v < STEPS ? 0 : 63 - __builtin_clzll(v) - 5; /* v >> power is below STEPS, or v is small */
    size_t slot = power == 0 ? v : (size_t)power * (STEPS / 2) + (v >> power);
    if (slot >= POWERS * STEPS) slot = POWERS * STEPS - 1;
    h->count[slot]++;
    h->total++;
}

static double percentile_us(const struct histogram *h, double share) {
    uint64_t wanted = (uint64_t)(share * h->total), seen = 0;
    for (size_t slot = 0; slot < POWERS * STEPS; slot++) {
        seen += h->count[slot];
        if (h->total && seen > wanted) {
            int power = slot < STEPS ? 0 : (int)(slot / (STEPS / 2)) - 1;
            uint64_t low = (slot - (uint64_t)power * (STEPS / 2)) << power;
            return (low + (1ULL << power) / 2.0) / 10;
        }
    }
    return 0;
}

static double own_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* utime + stime of a server, all its threads together; proc(5). */
static double cpu_of(int pid) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    if (!pid) return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    char *after_name = strrchr(text, ')'); /* the name may hold blanks and brackets */
    if (after_name)
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void *grown(void *memory, size_t *capacity, size_t needed) {
    if (needed <= *capacity) return memory;
    while (*capacity < needed) *capacity = *capacity ? *capacity * 2 : 512;
    memory = realloc(memory, *capacity);
    if (!memory) abort();
    return memory;
}

static void drop(struct client *c) {
    close(c->fd); /* which also takes it out of epoll */
    c->state = CLOSED;
}

static void lose(struct client *c, const char *why) {
    if (c->state == READY) lost_connections++, ready_count--;
    else connect_failures++, opening--;
    complain("client %d: %s", (int)(c - clients), why);
    drop(c);
}

static void watch(struct client *c, bool writes) {
    if (c->watching_writes == writes) return;
    c->watching_writes = writes;
    struct epoll_event e = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

/* One send for all that gathered while a client's input was worked through. */
static void flush(struct client *c) {
    while (c->out_pos < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_pos, c->out_len - c->out_pos, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) return lose(c, strerror(errno));
        if (n < 0) return watch(c, true);
        c->out_pos += n;
    }
    c->out_pos = c->out_len = 0;
    watch(c, false);
}

static uint8_t *reserve(struct client *c, size_t bytes) {
    if (c->out_len + bytes > OUTBOX_LIMIT) complain("the server stopped reading from a client");
    c->out = grown(c->out, &c->out_cap, c->out_len + bytes);
    uint8_t *at = c->out + c->out_len;
    c->out_len += bytes;
    return at;
}

/* A masked client frame (RFC 6455, section 5.2). A real mask: an all-zero one would be no work. */
static void put_frame(struct client *c, int opcode, const char *text, size_t length) {
    static uint64_t random_state = 0x9e3779b97f4a7c15;
    random_state ^= random_state << 13, random_state ^= random_state >> 7,
        random_state ^= random_state << 17;
    uint32_t mask = (uint32_t)random_state | 0x01010101;
    if (length > 65535) abort();
    uint8_t *p = reserve(c, length + (length < 126 ? 6 : 8));
    *p++ = 0x80 | opcode;
    if (length < 126) *p++ = 0x80 | length;
    else *p++ = 0x80 | 126, *p++ = length >> 8, *p++ = length & 255;
    memcpy(p, &mask, 4);
    p += 4;
    size_t i = 0;
    for (; i + 4 <= length; i += 4) {
        uint32_t word;
        memcpy(&word, text + i, 4);
        word ^= mask;
        memcpy(p + i, &word, 4);
    }
    for (; i < length; i++) p[i] = text[i] ^ ((uint8_t *)&mask)[i & 3];
}

/* snprintf is too slow for the two numbers in every message. */
static char *put_hex(char *p, uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value >>= 4) p[i] = "0123456789abcdef"[value & 15];
    return p + digits;
}

static char *put_decimal(char *p, uint64_t value) {
    char digits[24];
    int n = 0;
    do digits[n++] = '0' + value % 10;
    while (value /= 10);
    while (n) *p++ = digits[--n];
    return p;
}

static void prepare_chat(struct client *c, int to) {
    int from = c - clients;
    c->head_len = snprintf(c->head, HEAD_BYTES,
        opt.socketio ? "42[\"chat\",{\"fromUserId\":\"%s%d\",\"toUserId\":\"%s%d\",\"message\":\""
                     : "{\"type\":\"chat\",\"fromUserId\":\"%s%d\",\"toUserId\":\"%s%d\",\"message\":\"",
        opt.prefix, from, opt.prefix, to);
}

/* The send time travels in the message (and again as `ref`), so that no table of those under way is
 * needed: whoever gets it back subtracts. `t:` marks it; the rest of the 60 bytes is filler. */
static void put_chat(struct client *c, int64_t at) {
    static const char filler[] = " the quick brown fox jumps over a lazy dog";
    _Static_assert(2 + 16 + sizeof filler - 1 == MESSAGE_BYTES, "the message is to have 60 bytes");
    char text[HEAD_BYTES + MESSAGE_BYTES + 128], *p = text;
    memcpy(p, c->head, c->head_len), p += c->head_len;
    *p++ = 't', *p++ = ':';
    p = put_hex(p, at, 16);
    memcpy(p, filler, sizeof filler - 1), p += sizeof filler - 1;
    *p++ = '"';
    if (opt.ack) {
        c->last_ref = at > c->last_ref ? at : c->last_ref + 1; /* two in one moment must differ */
        memcpy(p, ",\"ref\":\"", 8), p += 8;
        p = put_decimal(p, c->last_ref);
        memcpy(p, "\",\"clientId\":\"", 14), p += 14;
        p = put_hex(p, run_id, 13);  /* the start time, so that a later run never repeats an id */
        p = put_hex(p, client_ids++, 10);
        *p++ = '"';
    }
    *p++ = '}';
    if (opt.socketio) *p++ = ']';
    put_frame(c, 1, text, p - text);
    sent++;
}

static void put_text(struct client *c, const char *text) { put_frame(c, 1, text, strlen(text)); }

static void put_init(struct client *c) {
    char text[128];
    snprintf(text, sizeof text,
             opt.socketio ? "42[\"init\",{\"userId\":\"%s%d\"%s}]" : "{\"type\":\"init\",\"userId\":\"%s%d\"%s}",
             opt.prefix, (int)(c - clients), opt.sync ? ",\"sync\":true" : "");
    put_text(c, text);
}

/* ---- from connect to registered ---------------------------------------------------------------- */

/* With --other-port, every other pair is parted, and the rest lie half here, half there: as chance would have it. */
static int port_of(int number) {
    static const bool other[8] = {false, true, false, false, true, false, true, true};
    return opt.other_port && other[number % 8] ? opt.other_port : opt.port;
}

/* A server bounds what one address may hold, so each hundred clients have one of their own: 127.0.1.1 and so on. */
static void bind_address(struct client *c) {
    int one = 1;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256 + (c - clients) / 100)};
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one); /* else bind looks for a port: slow */
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0) complain("bind: %s", strerror(errno));
}

static void open_client(struct client *c) {
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port_of(c - clients)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) complain("socket: %s", strerror(errno)), exit(2);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    bind_address(c);
    c->state = CONNECTING;
    c->connected_at = now_ns();
    c->watching_writes = true;
    c->in_len = c->out_pos = c->out_len = 0;
    opening++;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        lose(c, strerror(errno));
}

/* No more than --concurrency at a time: a listen queue that overflows costs a second per victim. And few in one turn:
   10,000 in one go take a fifth of a second, in which nobody reads what the others are answered. */
static void open_more(void) {
    for (int n = 0; n < OPENED_A_TURN && opened < wanted && opening < opt.concurrency; n++)
        open_client(&clients[opened++]);
}

static void put_upgrade(struct client *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return lose(c, strerror(error));
    char text[512];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                     "Sec-WebSocket-Version: 13\r\n\r\n", opt.path, opt.port);
    memcpy(reserve(c, n), text, n);
    c->state = UPGRADING;
    flush(c);
}

static void register_client(struct client *c) {
    put_init(c);
    c->state = REGISTERING;
}

static void on_ready(struct client *c, int64_t now) {
    if (c->state != REGISTERING) return;
    c->state = READY;
    opening--, ready_count++;
    prepare_chat(c, (int)(c - clients) ^ 1);
    if (opt.mode == BACK && counting) record(&latency, now - c->connected_at), counted++;
}

/* Returns how many bytes the answer to the upgrade took; 0 when it is not yet whole or not a 101. */
static size_t read_upgrade(struct client *c, const uint8_t *data, size_t length) {
    const uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return length > 8192 ? (lose(c, "an endless answer to the upgrade"), 0) : 0;
    size_t head = end - data;
    char first[80];
    snprintf(first, sizeof first, "%.*s", (int)(head < 60 ? head : 60), data);
    if (!memmem(data, head, " 101 ", 5)) return lose(c, first), 0;
    if (!memmem(data, head, ACCEPT, sizeof ACCEPT - 1)) return lose(c, "wrong Sec-WebSocket-Accept"), 0;
    if (memmem(data, head, "permessage-deflate", 18)) return lose(c, "compression"), 0;
    c->state = GREETING;
    if (!opt.socketio) register_client(c); /* Socket.IO: the server speaks first */
    return head + 4;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* The string value of a key, given with its quotes; NULL when absent. No message of ours contains a
 * quote, so the first occurrence is the key. */
static const char *field(const char *text, size_t length, const char *key, size_t key_length) {
    const char *p = memmem(text, length, key, key_length), *end = text + length;
    if (!p) return NULL;
    for (p += key_length; p < end && (*p == ' ' || *p == ':'); p++) {}
    return p < end && *p == '"' ? p + 1 : p;
}
#define FIELD(text, length, key) field(text, length, "\"" key "\"", sizeof key + 1)
#define IS(value, word) ((value) && !strncmp(value, word "\"", sizeof word))

static void on_chat(struct client *c, const char *text, size_t length, int64_t now) {
    const char *message = FIELD(text, length, "message");
    if (!message || message[0] != 't' || message + 18 > text + length)
        return complain("a chat without our message");
    uint64_t at = 0;
    for (int i = 2; i < 18; i++) at = at << 4 | (message[i] <= '9' ? message[i] - '0' : message[i] - 'a' + 10);
    received++;
    if (counting) record(opt.ack ? &delivery : &latency, now - (int64_t)at);
    if (opt.ack) return;
    if (counting) counted++;
    if (sending && !opt.rate) put_chat(c, now);
}

static void on_ack(struct client *c, const char *text, size_t length, int64_t now) {
    const char *ref = FIELD(text, length, "ref");
    if (!ref) return complain("an ack without ref");
    acked++;
    int64_t took = now - strtoll(ref, NULL, 10);
    if (counting && opt.mode == BACK) record(&others_latency, took);
    else if (counting) counted++, record(&latency, took);
    if (sending && !opt.rate) put_chat(c, now);
}

static void on_json(struct client *c, const char *text, size_t length, int64_t now) {
    const char *type = FIELD(text, length, "type");
    if (IS(type, "chat")) on_chat(c, text, length, now);
    else if (IS(type, "ack")) on_ack(c, text, length, now);
    else if (IS(type, "ready")) on_ready(c, now);
    else if (IS(type, "error")) errors++, complain("error event: %.*s", (int)(length < 200 ? length : 200), text);
}

/* Engine.IO packets: 0 open, 2 ping, 3 pong, 4 message; Socket.IO within 4: 0 connect, 2 event. */
static void on_socketio(struct client *c, const char *text, size_t length, int64_t now) {
    if (length && text[0] == '0') put_text(c, "40");
    else if (length && text[0] == '2') put_text(c, "3");
    else if (length > 1 && !memcmp(text, "40", 2)) register_client(c);
    else if (length > 9 && !memcmp(text, "42[\"chat\"", 9)) on_chat(c, text, length, now);
    else if (length > 10 && !memcmp(text, "42[\"ready\"", 10)) on_ready(c, now);
    else if (length > 1 && (!memcmp(text, "41", 2) || !memcmp(text, "44", 2))) lose(c, "refused");
}

static void on_frame(struct client *c, int opcode, const char *data, size_t length, int64_t now) {
    if (opcode == 1 && opt.socketio) on_socketio(c, data, length, now);
    else if (opcode == 1) on_json(c, data, length, now);
    else if (opcode == 9) put_frame(c, 10, data, length); /* ping, pong */
    else if (opcode == 8) lose(c, "the server closed the WebSocket");
    else if (opcode != 10) lose(c, "a frame that no server here sends");
}

/* Works through all whole frames; returns the bytes used. */
static size_t read_frames(struct client *c, uint8_t *data, size_t length, int64_t now) {
    size_t used = 0;
    while (c->state != CLOSED && length - used >= 2) {
        uint8_t *p = data + used;
        size_t head = 2, size = p[1] & 127;
        if (size == 126) head = 4;
        if (size == 127) head = 10;
        if (length - used < head) break;
        if (size >= 126) {
            size = 0;
            for (size_t i = 2; i < head; i++) size = size << 8 | p[i];
        }
        if (size > READ_BYTES / 2 || !(p[0] & 0x80)) { lose(c, "a huge or fragmented frame"); break; }
        if (length - used < head + size) break;
        used += head + size;
        on_frame(c, p[0] & 15, (char *)p + head, size, now);
    }
    return used;
}

static void on_readable(struct client *c) {
    static uint8_t buffer[READ_BYTES + 64];
    memcpy(buffer, c->in, c->in_len);
    ssize_t n = recv(c->fd, buffer + c->in_len, READ_BYTES - c->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return lose(c, n ? strerror(errno) : "the server hung up");
    size_t length = c->in_len + n, used = 0;
    buffer[length] = 0;
    int64_t now = now_ns(); /* once for all messages of one read: they arrived together */
    if (c->state == UPGRADING) used = read_upgrade(c, buffer, length);
    if (c->state > UPGRADING) used += read_frames(c, buffer + used, length - used, now);
    if (c->state == CLOSED) return;
    c->in_len = length - used;
    c->in = grown(c->in, &c->in_cap, c->in_len);
    memcpy(c->in, buffer + used, c->in_len);
    if (c->out_len) flush(c);
}

static void on_event(struct client *c, uint32_t events) {
    if (c->state == CLOSED) return;
    if (c->state == CONNECTING) return put_upgrade(c);
    if (events & EPOLLOUT) flush(c);
    if (c->state != CLOSED && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
}

/* ---- the phases -------------------------------------------------------------------------------- */

/* Open loop: sends whatever is due by now, each stamped with the moment it was due. */
static void send_due(int64_t now) {
    for (; next_due <= now; next_due += due_interval) {
        struct client *c = &clients[next_sender++ % (opt.mode == BACK ? opt.others : opt.clients)];
        if (c->state != READY) continue;
        put_chat(c, next_due);
        flush(c);
    }
}

/* One turn of the loop. Asleep it takes at most 50 ms, so that the phases below notice the time. */
static bool turn(void) {
    static struct epoll_event events[EVENTS];
    bool held = true;
    int64_t start = now_ns();
    if (sending && opt.rate) send_due(start);
    int n = epoll_wait(epoll_fd, events, EVENTS, polling ? 0 : 50);
    if (n == 0) idle_ns += now_ns() - start;
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) held = false; /* standard input ended */
        else on_event(events[i].data.ptr, events[i].events);
    }
    return held;
}

static void run_until(int64_t end) {
    while (now_ns() < end && !problem[0]) turn();
}

static int64_t after(double seconds) { return now_ns() + (int64_t)(seconds * SECOND); }

static void open_all(int number) {
    int64_t end = after(SETUP_SECONDS);
    wanted = number;
    for (open_more(); ready_count < number && !problem[0]; open_more()) {
        turn();
        if (now_ns() > end) complain("only %d of %d clients got in", ready_count, number);
    }
}

static void hold(void) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &e) < 0) complain("idle mode wants a pipe as input");
    printf("{\"open\":%d}\n", ready_count);
    fflush(stdout);
    for (int64_t end = after(HOLD_SECONDS); turn() && now_ns() < end && !problem[0];) {}
}

static void start_load(void) {
    polling = !opt.sleep, sending = true;
    if (opt.rate) {
        due_interval = (int64_t)(SECOND / opt.rate);
        next_due = now_ns();
        return;
    }
    for (int i = 0; i < opt.clients; i++) {
        if (clients[i].state != READY) continue;
        for (int k = 0; k < opt.window; k++) put_chat(&clients[i], now_ns());
        flush(&clients[i]);
    }
}

/* After the window nothing new is sent, and what is under way may still arrive: what does not is lost. */
static void drain(void) {
    sending = false;
    int64_t end = after(DRAIN_SECONDS);
    while ((received < sent || (opt.ack && acked < sent)) && now_ns() < end && !problem[0]) turn();
}

static int parse(int argc, char **argv) {
    static const struct option names[] = {
        {"mode", 1, 0, 'm'}, {"port", 1, 0, 'p'}, {"path", 1, 0, 'P'}, {"prefix", 1, 0, 'x'},
        {"clients", 1, 0, 'c'}, {"window", 1, 0, 'w'}, {"concurrency", 1, 0, 'C'}, {"pid", 1, 0, 'i'},
        {"warmup", 1, 0, 'W'}, {"seconds", 1, 0, 's'}, {"rate", 1, 0, 'r'}, {"ack", 0, 0, 'a'},
        {"others", 1, 0, 't'}, {"sync", 0, 0, 'y'}, {"socketio", 0, 0, 'S'},
        {"other-port", 1, 0, 'o'}, {"other-pid", 1, 0, 'O'}, {"sleep", 0, 0, 'z'}, {0, 0, 0, 0}};
    for (int letter; (letter = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (letter) {
        case 'm': opt.mode = !strcmp(optarg, "idle") ? IDLE : !strcmp(optarg, "back") ? BACK : RELAY; break;
        case 'p': opt.port = atoi(optarg); break;
        case 'P': opt.path = optarg; break;
        case 'x': opt.prefix = optarg; break;
        case 'c': opt.clients = atoi(optarg); break;
        case 'w': opt.window = atoi(optarg); break;
        case 'C': opt.concurrency = atoi(optarg); break;
        case 'i': opt.pid = atoi(optarg); break;
        case 'W': opt.warmup = atof(optarg); break;
        case 's': opt.seconds = atof(optarg); break;
        case 'r': opt.rate = atof(optarg); break;
        case 'a': opt.ack = true; break;
        case 't': opt.others = atoi(optarg) & ~1; break; /* pairs */
        case 'y': opt.sync = true; break;
        case 'S': opt.socketio = true; break;
        case 'o': opt.other_port = atoi(optarg); break;
        case 'O': opt.other_pid = atoi(optarg); break;
        case 'z': opt.sleep = true; break;
        default: return 0;
        }
    }
    if (opt.socketio) opt.path = "/socket.io/?EIO=4&transport=websocket";
    if (opt.mode == RELAY) opt.clients &= ~1; /* pairs */
    return opt.port > 0 && opt.clients > 0 && opt.window > 0 && opt.rate >= 0 &&
           opt.concurrency > 0 && strlen(opt.prefix) < 24 && !(opt.ack && opt.socketio) &&
           opt.others >= 0 && opt.others < opt.clients && (!opt.others || (opt.mode == BACK && opt.rate > 0));
}

int main(int argc, char **argv) {
    if (!parse(argc, argv)) {
        fprintf(stderr, "usage: load --port N [--mode relay|idle|back] [--clients N] [--window N]\n"
                "  [--ack] [--rate R] [--warmup S] [--seconds S] [--concurrency N] [--pid N]\n"
                "  [--others N] [--sync] [--socketio] [--path P] [--prefix P] [--other-port N] [--other-pid N] [--sleep]\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)opt.clients + 20)
        complain("%d clients need more open files than the hard limit of %lu", opt.clients,
                 (unsigned long)files.rlim_cur);
    clients = calloc(opt.clients, sizeof *clients);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct timespec date;
    clock_gettime(CLOCK_REALTIME, &date);
    run_id = date.tv_sec * 1000000ULL + date.tv_nsec / 1000;

    bool load_runs = opt.mode == RELAY || opt.others;
    if (!problem[0]) open_all(opt.mode == BACK ? opt.others : opt.clients);
    if (load_runs && !problem[0]) {
        start_load();
        run_until(after(opt.warmup));
    }
    if (opt.mode == BACK) polling = !opt.sleep;
    counting = true;
    int64_t start = now_ns(), idle = idle_ns;
    double cpu = own_cpu(), server_cpu = cpu_of(opt.pid), other_cpu = cpu_of(opt.other_pid);
    if (opt.mode == RELAY) run_until(after(opt.seconds));
    else if (opt.mode == BACK) open_all(opt.clients);
    else if (!problem[0]) hold();
    double seconds = (double)(now_ns() - start) / SECOND;
    double busy = seconds - (double)(idle_ns - idle) / SECOND;
    cpu = own_cpu() - cpu;
    server_cpu = cpu_of(opt.pid) - server_cpu, other_cpu = cpu_of(opt.other_pid) - other_cpu;
    counting = false;
    if (load_runs) drain();

    int64_t missing = load_runs ? sent - (opt.ack && acked < received ? acked : received) : 0;
    if (missing) complain("%lld of %lld messages did not arrive", (long long)missing, (long long)sent);
    printf("{\"ok\":%s,\"problem\":\"%s\",\"messages\":%lld,\"seconds\":%.4f,\"rate\":%.1f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"delivery_p50_us\":%.1f,"
           "\"delivery_p99_us\":%.1f,\"others_p50_us\":%.1f,\"others_p99_us\":%.1f,\"generator_cpu\":%.3f,\"generator_busy\":%.3f,\"server_cpu\":%.3f,"
           "\"other_cpu\":%.3f,\"sent\":%lld,"
           "\"received\":%lld,\"acked\":%lld,\"missing\":%lld,\"errors\":%lld,"
           "\"connect_failures\":%lld,\"lost_connections\":%lld}\n",
           problem[0] ? "false" : "true", problem, (long long)counted, seconds, counted / seconds,
           percentile_us(&latency, .5), percentile_us(&latency, .99), percentile_us(&latency, .999),
           percentile_us(&delivery, .5), percentile_us(&delivery, .99), percentile_us(&others_latency, .5),
           percentile_us(&others_latency, .99), cpu, busy, server_cpu, other_cpu,
           (long long)sent, (long long)received, (long long)acked, (long long)missing,
           (long long)errors, (long long)connect_failures, (long long)lost_connections);
    return problem[0] ? 1 : 0;
}
