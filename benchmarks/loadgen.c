// A WebSocket load generator: one thread, epoll, about 2 us of CPU for each frame it receives.
// It knows no protocol. What to say and what the answers look like is told by templates and marks:
//   --open TEXT         said when the socket is open          --step 'PREFIX|TEXT'  on PREFIX say TEXT (may be empty)
//   --send TEXT         one message                           --echo 'FRAME|TEXT'   to exactly FRAME answer TEXT
//   --ack MARK --delivery MARK --reply MARK                   what a frame of that kind holds
// In TEXT: {room} {token} (a line of --rooms-file: room TAB token), {n} a number never used twice in this run,
// {us} the moment the message was due, {text} a sentence. An ack must hold "ref":"<us>, a delivery "client_id":"<us>:
// latency counts from the moment the message was due, so a server that stalls cannot hide it.
// Says READY, BEGIN, END, then one line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { UPGRADING, GREETING, OPEN, CLOSED };
enum { CONNECTING, WARMING, MEASURING, DRAINING };
enum { EVENTS = 512, OPENING_AT_ONCE = 64, STEPS = 8, OCTAVES = 40, DRAIN_US = 1500000, CONNECT_WITHIN_US = 120000000 };

typedef struct {
  int fd, state, step, room, number, read_len, unsent_len;
  uint8_t *read_rest;
  char *unsent;
} conn_t;

typedef struct {  // log-linear: 64 buckets in each octave, less than 1.6 % error
  uint64_t bucket[OCTAVES * 64], count;
} histogram_t;

typedef struct {
  uint64_t sent, acks, deliveries, replies, others, errors, bytes;
} tally_t;

static struct {
  const char *path, *subprotocol, *open, *send, *echo, *ack, *delivery, *reply, *steps[STEPS];
  int port, conns, senders, window, n_steps, idle;
  double rate, seconds, warm;
} want = {.path = "/", .conns = 10, .senders = 1, .seconds = 5, .warm = 1};

static conn_t *conns;
static char **rooms, **tokens;
static int n_rooms, ep, ready, lost, phase = CONNECTING;
static uint64_t numbers;
static tally_t all, measured;
static histogram_t ack_times, delivery_times;
static uint8_t input[1 << 20];

static const char *SENTENCES[] = {
    "today the bus was late again and the rain came down, but the coffee after that was warm and the talk was good",
    "my sister called in the evening, we spoke for a while about the garden and what she wants to plant next spring",
    "work was long and a little loud, so on the way home the walk along the river felt like the first calm moment",
    "it took me some time to fall asleep, then the morning was slow and the light in the kitchen was rather lovely",
};

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "%s: %s (ready %d, lost %d)\n", what, detail, ready, lost);
  exit(3);
}

static void record(histogram_t *h, int64_t us) {
  int i = us < 0 ? 0 : (int)us;
  if (us >= 64) {
    int octave = 63 - __builtin_clzll(us);
    i = (octave - 5) * 64 + ((us >> (octave - 6)) & 63);
  }
  h->bucket[i < OCTAVES * 64 ? i : OCTAVES * 64 - 1]++;
  h->count++;
}

static double percentile_ms(const histogram_t *h, double percent) {
  uint64_t wanted = h->count * percent / 100, seen = 0;
  for (int i = 0; i < OCTAVES * 64; i++)
    if ((seen += h->bucket[i]) > wanted) {
      int octave = i / 64 + 5;
      return i < 64 ? i / 1e3 : ((1LL << octave) + ((int64_t)(i & 63) << (octave - 6))) / 1e3;
    }
  return 0;
}

static int fill(char *out, const char *template, const conn_t *c, uint64_t n, int64_t us) {
  char *p = out;
  while (*template) {
    if (!strncmp(template, "{room}", 6)) p += sprintf(p, "%s", rooms[c->room]), template += 6;
    else if (!strncmp(template, "{token}", 7)) p += sprintf(p, "%s", tokens[c->room]), template += 7;
    else if (!strncmp(template, "{n}", 3)) p += sprintf(p, "%llu", (unsigned long long)n), template += 3;
    else if (!strncmp(template, "{us}", 4)) p += sprintf(p, "%lld", (long long)us), template += 4;
    else if (!strncmp(template, "{text}", 6)) p += sprintf(p, "%s", SENTENCES[n % 4]), template += 6;
    else *p++ = *template++;
  }
  *p = 0;
  return p - out;
}

static void watch(conn_t *c, int op, uint32_t events) {
  struct epoll_event e = {.events = events, .data.u32 = c->number};
  epoll_ctl(ep, op, c->fd, &e);
}

static void write_bytes(conn_t *c, const char *data, int len) {
  int written = 0;
  if (!c->unsent_len) {
    written = write(c->fd, data, len);
    if (written < 0 && errno != EAGAIN) return;  // the read side sees the end
    if (written < 0) written = 0;
  }
  if (written == len) return;
  c->unsent = realloc(c->unsent, c->unsent_len + len - written);
  memcpy(c->unsent + c->unsent_len, data + written, len - written);
  c->unsent_len += len - written;
  watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void write_rest(conn_t *c) {
  int written = write(c->fd, c->unsent, c->unsent_len);
  if (written <= 0) return;
  memmove(c->unsent, c->unsent + written, c->unsent_len - written);
  if (!(c->unsent_len -= written)) watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void write_frame(conn_t *c, int opcode, const char *data, int len) {
  char frame[8192];
  int h = 2;
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (len < 126 ? len : 126);
  if (len >= 126) frame[2] = len >> 8, frame[3] = len, h = 4;
  const char *mask = memcpy(frame + h, "\x12\x34\x56\x78", 4);
  for (int i = 0; i < len; i++) frame[h + 4 + i] = data[i] ^ mask[i & 3];
  write_bytes(c, frame, h + 4 + len);
}

static void say(conn_t *c, const char *template, int64_t us) {
  char text[8000];
  int len = fill(text, template, c, ++numbers, us);
  if (len) write_frame(c, 1, text, len);
}

static void send_message(conn_t *c, int64_t due) {
  say(c, want.send, due);
  all.sent++;
  if (phase == MEASURING) measured.sent++;
}

static int64_t moment(const uint8_t *frame, int len, const char *key) {
  const char *at = memmem(frame, len, key, strlen(key));
  return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

static int holds(const uint8_t *frame, int len, const char *mark) {
  return mark && memmem(frame, len, mark, strlen(mark)) != NULL;
}

static void greet(conn_t *c, const uint8_t *frame, int len) {
  const char *step = want.steps[c->step], *bar = strchr(step, '|');
  if (len < bar - step || memcmp(frame, step, bar - step)) return;
  say(c, bar + 1, 0);
  if (++c->step == want.n_steps) c->state = OPEN, ready++;
}

static void on_text(conn_t *c, const uint8_t *frame, int len) {
  if (c->state == GREETING) return greet(c, frame, len);
  if (want.echo) {
    const char *bar = strchr(want.echo, '|');
    if (len == bar - want.echo && !memcmp(frame, want.echo, len)) return say(c, bar + 1, 0);
  }
  int counts = phase == MEASURING;
  if (counts) measured.bytes += len;
  if (holds(frame, len, want.ack)) {
    int64_t now = now_us();
    all.acks++;
    if (counts) measured.acks++, record(&ack_times, now - moment(frame, len, "\"ref\":\""));
    if (want.window && phase < DRAINING) send_message(c, now);
  } else if (holds(frame, len, want.reply)) {
    if (counts) measured.replies++;
  } else if (holds(frame, len, want.delivery)) {
    all.deliveries++;
    if (counts) measured.deliveries++, record(&delivery_times, now_us() - moment(frame, len, "\"client_id\":\""));
  } else {
    if (counts) measured.others++;
    if (holds(frame, len, "\"type\":\"error\"") && all.errors++ < 3) fprintf(stderr, "error: %.*s\n", len, frame);
  }
}

static void on_end(conn_t *c, const char *why) {
  if (c->state == CLOSED) return;
  if (lost++ < 3) fprintf(stderr, "connection %d ended: %s\n", c->number, why);
  if (c->state != OPEN) fail("a connection ended before it was ready", why);
  c->state = CLOSED;
  close(c->fd);
}

static int on_upgrade(conn_t *c, int total) {  // how many bytes were the HTTP answer, 0 while it is not whole
  char *end = memmem(input, total, "\r\n\r\n", 4);
  if (!end) return 0;
  if (!memmem(input, total, " 101 ", 5)) fail("no upgrade", (char *)input);
  c->state = want.n_steps ? GREETING : OPEN;
  if (!want.n_steps) ready++;
  if (want.open) say(c, want.open, 0);
  return end + 4 - (char *)input;
}

static int on_frame(conn_t *c, uint8_t *at, int left) {  // its length, 0 while it is not whole
  if (left < 2) return 0;
  int64_t len = at[1] & 127;
  int h = len == 126 ? 4 : len == 127 ? 10 : 2;
  if (left < h) return 0;
  if (h > 2) len = 0;
  for (int i = 2; i < h; i++) len = len << 8 | at[i];
  if (left < h + len) return 0;
  uint8_t after = at[h + len];
  at[h + len] = 0;  // strtoll and %s stop here
  switch (at[0] & 15) {
    case 1: on_text(c, at + h, len); break;
    case 8: on_end(c, len > 2 ? (char *)at + h + 2 : "close"); break;
    case 9: write_frame(c, 10, (char *)at + h, len); break;
  }
  at[h + len] = after;
  return h + len;
}

static void on_readable(conn_t *c) {
  if (c->read_len) memcpy(input, c->read_rest, c->read_len);
  int got = read(c->fd, input + c->read_len, sizeof input - c->read_len - 1);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return on_end(c, got ? strerror(errno) : "end of file");
  int total = c->read_len + got, at = 0, used;
  input[total] = 0;
  if (c->state == UPGRADING) at = on_upgrade(c, total);
  if (c->state != UPGRADING)
    while (c->state != CLOSED && (used = on_frame(c, input + at, total - at))) at += used;
  c->read_len = c->state == CLOSED ? 0 : total - at;
  if (c->read_len) memcpy(c->read_rest = realloc(c->read_rest, c->read_len), input + at, c->read_len);
}

static void open_one(int number) {
  conn_t *c = &conns[number];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(want.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  char path[512], request[2048];
  int on = 1;
  *c = (conn_t){.number = number, .room = number % n_rooms, .fd = socket(AF_INET, SOCK_STREAM, 0)};
  if (c->fd < 0 || connect(c->fd, (void *)&to, sizeof to)) fail("connect", strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  watch(c, EPOLL_CTL_ADD, EPOLLIN);
  fill(path, want.path, c, 0, 0);
  int len = sprintf(request,
                    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                    path, want.port, want.subprotocol ? "Sec-WebSocket-Protocol: " : "",
                    want.subprotocol ? want.subprotocol : "", want.subprotocol ? "\r\n" : "");
  write_bytes(c, request, len);
}

static void turn(int64_t for_us) {  // one turn of the loop, at most so long
  struct epoll_event events[EVENTS];
  struct timespec limit = {for_us / 1000000, for_us % 1000000 * 1000};
  int n = epoll_pwait2(ep, events, EVENTS, &limit, NULL);
  if (n < 0 && errno == ENOSYS) n = epoll_wait(ep, events, EVENTS, for_us / 1000);
  for (int i = 0; i < n; i++) {
    conn_t *c = &conns[events[i].data.u32];
    if (c->state != CLOSED && events[i].events & EPOLLOUT && c->unsent_len) write_rest(c);
    if (c->state != CLOSED && events[i].events & ~EPOLLOUT) on_readable(c);
  }
}

static double cpu_s(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void connect_all(void) {
  int64_t until = now_us() + CONNECT_WITHIN_US;
  for (int opened = 0; ready < want.conns; turn(100000)) {
    while (opened < want.conns && opened - ready < OPENING_AT_ONCE) open_one(opened++);
    if (now_us() > until) fail("not all connections became ready", "too late");
  }
}

static void load(void) {
  int64_t start = now_us(), begin = start + want.warm * 1e6, end = begin + want.seconds * 1e6, began = 0, ended = 0;
  double gap = want.rate > 0 ? 1e6 / want.rate : 0, cpu = 0;
  uint64_t issued = 0;
  phase = WARMING;
  for (int i = 0; i < want.window * want.senders; i++) send_message(&conns[i % want.senders], start);
  for (int64_t now; (now = now_us()) < end + DRAIN_US;) {
    if (phase == WARMING && now >= begin) phase = MEASURING, began = now, cpu = cpu_s(), puts("BEGIN");
    if (phase == MEASURING && now >= end) phase = DRAINING, ended = now, cpu = cpu_s() - cpu, puts("END");
    int64_t next = phase == WARMING ? begin : phase == MEASURING ? end : now + 50000;
    if (gap && phase < DRAINING) {
      for (; start + issued * gap <= now; issued++) send_message(&conns[issued % want.senders], start + issued * gap);
      if (start + issued * gap < next) next = start + issued * gap;
    }
    turn(next - now > 50000 ? 50000 : next > now ? next - now : 0);
  }
  printf("{\"elapsed_s\":%.3f,\"sent\":%llu,\"acks\":%llu,\"deliveries\":%llu,\"replies\":%llu,\"others\":%llu,"
         "\"bytes\":%llu,\"all_sent\":%llu,\"all_acks\":%llu,\"all_deliveries\":%llu,\"errors\":%llu,\"lost\":%d,"
         "\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f,\"delivery_p50_ms\":%.3f,\"delivery_p99_ms\":%.3f,"
         "\"generator_cpu_s\":%.3f}\n",
         (ended - began) / 1e6, (unsigned long long)measured.sent, (unsigned long long)measured.acks,
         (unsigned long long)measured.deliveries, (unsigned long long)measured.replies,
         (unsigned long long)measured.others, (unsigned long long)measured.bytes, (unsigned long long)all.sent,
         (unsigned long long)all.acks, (unsigned long long)all.deliveries, (unsigned long long)all.errors, lost,
         percentile_ms(&ack_times, 50), percentile_ms(&ack_times, 99), percentile_ms(&delivery_times, 50),
         percentile_ms(&delivery_times, 99), cpu);
}

static void read_rooms(const char *file) {
  static char line[8192], room[256], token[4096];
  FILE *f = fopen(file, "r");
  if (!f) fail(file, strerror(errno));
  while (fgets(line, sizeof line, f)) {
    token[0] = 0;
    if (sscanf(line, "%255s %4095s", room, token) < 1) continue;
    rooms = realloc(rooms, (n_rooms + 1) * sizeof *rooms), tokens = realloc(tokens, (n_rooms + 1) * sizeof *tokens);
    rooms[n_rooms] = strdup(room), tokens[n_rooms++] = strdup(token);
  }
  fclose(f);
}

static void read_arguments(char **argv) {
  for (char **a = argv + 1; *a; a += 2) {
    char *name = a[0], *value = a[1];
    if (!value) fail("no value", name);
#define IS(word) (!strcmp(name, "--" word))
    if (IS("port")) want.port = atoi(value);
    else if (IS("conns")) want.conns = atoi(value);
    else if (IS("senders")) want.senders = atoi(value);
    else if (IS("window")) want.window = atoi(value);
    else if (IS("rate")) want.rate = atof(value);
    else if (IS("seconds")) want.seconds = atof(value);
    else if (IS("warm")) want.warm = atof(value);
    else if (IS("idle")) want.idle = atoi(value);
    else if (IS("rooms-file")) read_rooms(value);
    else if (IS("path")) want.path = value;
    else if (IS("subprotocol")) want.subprotocol = value;
    else if (IS("open")) want.open = value;
    else if (IS("step") && want.n_steps < STEPS) want.steps[want.n_steps++] = value;
    else if (IS("send")) want.send = value;
    else if (IS("echo")) want.echo = value;
    else if (IS("ack")) want.ack = value;
    else if (IS("delivery")) want.delivery = value;
    else if (IS("reply")) want.reply = value;
    else fail("unknown argument", name);
  }
}

int main(int argc, char **argv) {
  (void)argc;
  setvbuf(stdout, NULL, _IOLBF, 0);
  read_arguments(argv);
  conns = calloc(want.conns, sizeof *conns);
  ep = epoll_create1(0);
  connect_all();
  puts("READY");
  int64_t calm = now_us() + (want.idle ? want.seconds * 1e6 : 300000);
  while (now_us() < calm) turn(50000);
  if (want.idle) printf("{\"idle\":%d,\"lost\":%d}\n", ready, lost);
  else load();
  return 0;
}
