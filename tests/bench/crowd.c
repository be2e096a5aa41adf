#include "crowd_attempt.h"
#include "crowd_parts.h"
#include "link/channel.h"
#include "link/clock.h"
#include "link/pki.h"
#include "words/units.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A crowd of agents in one process: each enrols with a token of its own, holds a session of its own with its own certificate, and
 * does in each round what an agent does, but for the probing: a batch with an attempt for each endpoint and the round's report,
 * kept until it is acknowledged and sent again after a lost connection.
 *
 *     bench-crowd PORT TOKEN-FILE        (a token a line: so many agents)
 *
 *     bench-crowd PORT TOKEN-FILE BATCHES        (a flood)
 *
 * It prints "ready" when all have been welcomed. SIGUSR1 has it say what it saw since then, or since it last said so: key=value pairs
 * on one line. SIGTERM ends it: it waits for what is not acknowledged yet, and says what it saw.
 *
 * In a flood agents say nothing by themselves. SIGUSR2 has each make so many batches, as large as agents make them; when all have, it
 * prints "made". The next SIGUSR2 sends them, as fast as the collector takes them; when all are acknowledged, it prints what that
 * took: key=value pairs on one line.
 */

struct crowd crowd;

void die(const char *what)
{
    (void)fprintf(stderr, "bench-crowd: %s\n", what);
    exit(3);
}

void die_of(char *why)
{
    die(why == NULL ? "out of memory" : why);
}

/* --- batches ----------------------------------------------------------------------------------------------------------- */

static void member_send(struct member *member, struct waiting *waiting)
{
    if (member->stage != LIVE)
        return;
    waiting->sent_us = clock_mono_us();
    (void)channel_send_payload(member->channel, waiting->payload.data, waiting->payload.len);
}

/* Takes the records. */
static struct waiting *member_wait(struct member *member, struct record *records, size_t count)
{
    struct message batch = {.kind = MESSAGE_BATCH, .batch = {count, records}};
    struct waiting *waiting = &member->waiting[member->waiting_count++];
    *waiting = (struct waiting){.last = member->sequence, .records = count};
    buf_init(&waiting->payload, 0);
    if (!message_encode(&batch, &waiting->payload))
        die("cannot encode a batch");
    message_done(&batch);
    crowd.batches++;
    return waiting;
}

static struct record member_attempt(struct member *member, size_t nth)
{
    struct attempt *attempt = crowd_attempt(&member->plan, &crowd.list.endpoints[nth % crowd.list.count]);
    attempt->sequence = ++member->sequence;
    crowd.attempts++;
    return (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt};
}

static void member_report(struct member *member)
{
    struct record records[MAX_ENDPOINTS + 1] = {{0}};
    size_t count = 0;
    member->planned = false;
    if (memcmp(member->plan.list_sha256, crowd.list.sha256, PLAN_SHA256_BYTES) != 0)
        return;                                /* the list has not come */
    if (member->waiting_count == BATCH_ROOM) { /* a spool that is full */
        crowd.skipped += crowd.list.count;
        return;
    }
    for (size_t i = 0; i < crowd.list.count; i++)
        records[count++] = member_attempt(member, i);
    records[count++] = (struct record){.kind = RECORD_ROUND_REPORT,
                                       .report = {.sequence = ++member->sequence,
                                                  .round_id = member->plan.round_id,
                                                  .attempts = (uint32_t)crowd.list.count}};
    crowd.reports++;
    member_send(member, member_wait(member, records, count));
}

static void on_report_time(uv_timer_t *timer)
{
    member_report(timer->data);
}

static void note_ack(int64_t sent_us)
{
    if (crowd.ack_count == crowd.ack_room) {
        crowd.ack_room = crowd.ack_room == 0 ? 65536 : crowd.ack_room * 2;
        crowd.ack_ms = realloc(crowd.ack_ms, crowd.ack_room * sizeof *crowd.ack_ms);
        if (crowd.ack_ms == NULL)
            die("out of memory");
    }
    crowd.ack_ms[crowd.ack_count++] = (uint32_t)((clock_mono_us() - sent_us) / 1000);
}

static size_t unacked(void)
{
    size_t count = 0;
    for (size_t i = 0; i < crowd.count; i++)
        count += crowd.members[i].waiting_count;
    return count;
}

static void flood_more(struct member *member)
{
    for (size_t i = 0; i < member->waiting_count && i < FLOOD_WINDOW; i++)
        if (member->waiting[i].sent_us == 0)
            member_send(member, &member->waiting[i]);
    if (member->waiting_count > 0 || unacked() > 0)
        return;
    crowd.flooding = false;
    (void)printf("flooded attempts=%llu sent_bytes=%llu took_us=%lld\n",
                 (unsigned long long)(crowd.count * crowd.flood_batches * FLOOD_RECORDS),
                 (unsigned long long)crowd.packed_bytes, (long long)(clock_mono_us() - crowd.flood_us));
    crowd.packed_bytes = 0;
    (void)fflush(stdout);
}

static void member_acked(struct member *member, uint64_t committed)
{
    size_t done = 0;
    while (done < member->waiting_count && member->waiting[done].last <= committed) {
        if (member->waiting[done].sent_us != 0)
            note_ack(member->waiting[done].sent_us);
        buf_done(&member->waiting[done++].payload);
        crowd.acked_batches++;
    }
    member->waiting_count -= done;
    memmove(member->waiting, member->waiting + done, member->waiting_count * sizeof member->waiting[0]);
    if (crowd.flooding && done > 0)
        flood_more(member);
}

/* --- a flood ----------------------------------------------------------------------------------------------------------- */

static void flood_make(void)
{
    struct record records[FLOOD_RECORDS];
    for (struct member *member = crowd.members; member < crowd.members + crowd.count; member++) {
        while (member->waiting_count < crowd.flood_batches) {
            for (size_t i = 0; i < FLOOD_RECORDS; i++)
                records[i] = member_attempt(member, i);
            member_pack(member, member_wait(member, records, FLOOD_RECORDS));
        }
    }
    (void)printf("made\n");
    (void)fflush(stdout);
}

static void on_flood(uv_signal_t *handle, int number)
{
    (void)handle, (void)number;
    if (crowd.list.count == 0)
        die("no plan has come yet");
    if (crowd.members[0].waiting_count == 0) {
        flood_make();
        return;
    }
    crowd.flooding = true;
    crowd.flood_us = clock_mono_us();
    for (size_t i = 0; i < crowd.count; i++)
        flood_more(&crowd.members[i]);
}

/* --- rounds ------------------------------------------------------------------------------------------------------------ */

static void member_plan(struct member *member, const struct round_plan *plan)
{
    if (crowd.ending || member->planned)
        return;
    if (memcmp(plan->list_sha256, crowd.list_wanted, PLAN_SHA256_BYTES) != 0) { /* asked for once is enough */
        struct message wanted = {.kind = MESSAGE_LIST_WANTED};
        memcpy(wanted.list_wanted.sha256, plan->list_sha256, PLAN_SHA256_BYTES);
        memcpy(crowd.list_wanted, plan->list_sha256, PLAN_SHA256_BYTES);
        (void)channel_send(member->channel, &wanted);
    }
    int64_t spread_us = (int64_t)((uint64_t)(member - crowd.members) * 7919 % REPORT_SPREAD_US);
    int64_t wait_us = plan->start_us + (int64_t)plan->spread_us + 500000 + spread_us - clock_wall_us();
    member->plan = *plan;
    member->planned = true;
    if (crowd.flood_batches > 0) {
        member->planned = false;
        return;
    }
    (void)uv_timer_start(&member->timer, on_report_time, wait_us > 0 ? (uint64_t)wait_us / 1000 : 0, 0);
}

static void take_list(const struct endpoint_list *list)
{
    if (list->count > MAX_ENDPOINTS)
        die("a list too long");
    arena_done(&crowd.list_arena);
    arena_init(&crowd.list_arena, 1 << 20);
    crowd.list = *list;
    crowd.list.endpoints = arena_array(&crowd.list_arena, list->count, sizeof *list->endpoints);
    for (size_t i = 0; crowd.list.endpoints != NULL && i < list->count; i++)
        if (!endpoint_copy(&list->endpoints[i], &crowd.list_arena, &crowd.list.endpoints[i]))
            die("a list too large");
}

static void send_certificates(const struct member *member, const struct message *message)
{
    struct bytes der[2];
    size_t count = 0;
    for (size_t i = 0; i < message->certificates_wanted.count && count < 2; i++) {
        der[count] = crowd_certificate(message->certificates_wanted.sha256[i]);
        count += der[count].length > 0;
    }
    struct message answer = {.kind = MESSAGE_CERTIFICATES, .certificates = {count, der}};
    if (count > 0)
        (void)channel_send(member->channel, &answer);
}

/* --- sessions ---------------------------------------------------------------------------------------------------------- */

static void live_message(struct member *member, const struct message *message)
{
    if (message->kind == MESSAGE_ROUND)
        member_plan(member, &message->round);
    else if (message->kind == MESSAGE_LIST)
        take_list(&message->list);
    else if (message->kind == MESSAGE_ACK)
        member_acked(member, message->ack.committed);
    else if (message->kind == MESSAGE_CERTIFICATES_WANTED)
        send_certificates(member, message);
}

static void member_welcomed(struct member *member, uint64_t committed, uint32_t history_bytes)
{
    member->stage = LIVE;
    member->packed.most_bytes = history_bytes;
    crowd.live++;
    crowd.under_way--;
    member_acked(member, committed);
    if (member->sequence < committed)
        member->sequence = committed;
    for (size_t i = 0; i < member->waiting_count; i++)
        member_send(member, &member->waiting[i]);
    advance();
}

static void on_message(struct channel *channel, struct message *message, void *arg)
{
    struct member *member = arg;
    if (message->kind == MESSAGE_GOODBYE) {
        (void)fprintf(stderr, "bench-crowd: goodbye (%s): %s\n",
                      goodbye_reason_name((int)message->goodbye.reason), message->goodbye.text);
        crowd.refused++;
        channel_close(channel);
    } else if (member->stage == GREETING && message->kind == MESSAGE_WELCOME) {
        member_welcomed(member, message->welcome.committed, message->welcome.history_bytes);
    } else if (member->stage == LIVE) {
        live_message(member, message);
    }
}

static void on_open(struct channel *channel, void *arg)
{
    struct member *member = arg;
    struct message hello = {.kind = MESSAGE_HELLO,
                            .hello = {.protocol = LINK_PROTOCOL,
                                      .agent_version = PARALLAX_VERSION,
                                      .tls_library = "OpenSSL 3.0",
                                      .next_sequence = member->sequence + 1,
                                      .hostname = "crowd"}};
    member->stage = GREETING;
    (void)channel_send(channel, &hello);
}

static void on_closed(struct channel *channel, enum channel_failure failure, const char *why, void *arg)
{
    struct member *member = arg;
    (void)channel, (void)failure;
    member->channel = NULL;
    if (crowd.ending)
        return;
    if (member->stage == LIVE) {
        if (crowd.flood_batches > 0)
            die("a session was lost in a flood");
        crowd.live--;
        crowd.lost_sessions++;
        (void)fprintf(stderr, "bench-crowd: session lost: %s\n", why);
    } else {
        crowd.under_way--;
        (void)fprintf(stderr, "bench-crowd: no session: %s\n", why);
    }
    for (size_t i = 0; i < member->waiting_count; i++)
        member->waiting[i].sent_us = 0;
    member->stage = ENROLLED;
}

static void member_dial(struct member *member)
{
    static const struct channel_handlers handlers = {
        .on_open = on_open, .on_message = on_message, .on_closed = on_closed};
    member->stage = DIALLING;
    crowd.under_way++;
    member->channel = channel_connect(&crowd.loop, &crowd.address, crowd.port, member->context,
                                      PKI_SERVER_NAME, &channel_default_limits, &handlers, member);
    if (member->channel == NULL)
        die("out of memory");
}

/* --- the run ----------------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static uint32_t percentile(unsigned percent)
{
    return crowd.ack_count == 0 ? 0 : crowd.ack_ms[(crowd.ack_count - 1) * percent / 100];
}

/* Counts start again. @return 0 when nothing was lost, refused or skipped. */
static int report(void)
{
    if (crowd.ack_count > 0)
        qsort(crowd.ack_ms, crowd.ack_count, sizeof *crowd.ack_ms, by_size);
    (void)printf(
        "agents=%zu attempts=%llu reports=%llu batches=%llu unacked=%zu skipped=%llu lost_sessions=%llu "
        "refused=%llu ack_p50_ms=%u ack_p99_ms=%u ack_max_ms=%u\n",
        crowd.count, (unsigned long long)crowd.attempts, (unsigned long long)crowd.reports,
        (unsigned long long)crowd.batches, unacked(), (unsigned long long)crowd.skipped,
        (unsigned long long)crowd.lost_sessions, (unsigned long long)crowd.refused, percentile(50),
        percentile(99), percentile(100));
    (void)fflush(stdout);
    bool well = crowd.lost_sessions == 0 && crowd.refused == 0 && crowd.skipped == 0;
    crowd.attempts = crowd.reports = crowd.batches = crowd.skipped = crowd.lost_sessions = crowd.refused = 0;
    crowd.ack_count = 0;
    return well ? 0 : 1;
}

static void finish(void)
{
    for (size_t i = 0; i < crowd.count; i++)
        if (crowd.members[i].channel != NULL)
            channel_close(crowd.members[i].channel);
    uv_stop(&crowd.loop);
}

static void on_settle(uv_timer_t *timer)
{
    static int64_t began_us;
    if (began_us == 0)
        began_us = clock_mono_us();
    if (unacked() == 0 || clock_mono_us() - began_us > SETTLE_MS * INT64_C(1000)) {
        (void)uv_timer_stop(timer);
        finish();
    }
}

static void begin_end(void)
{
    if (crowd.ending)
        return;
    crowd.ending = true;
    for (size_t i = 0; i < crowd.count; i++)
        (void)uv_timer_stop(&crowd.members[i].timer);
    (void)uv_timer_start(&crowd.end, on_settle, 100, 100);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle;
    if (number == SIGTERM)
        begin_end();
    else if (report() != 0)
        crowd.failed = true;
}

/* A few connections at a time, as many agents would make them that do not know each other. */
void advance(void)
{
    for (size_t looked = 0; crowd.under_way < AT_ONCE && looked < crowd.count; looked++) {
        struct member *member = &crowd.members[crowd.next];
        crowd.next = (crowd.next + 1) % crowd.count;
        if (member->stage == NO_IDENTITY)
            member_enrol(member);
        else if (member->stage == ENROLLED && !crowd.ending)
            member_dial(member);
    }
    if (crowd.live < crowd.count || crowd.all_live)
        return;
    crowd.all_live = true;
    (void)printf("ready\n");
    (void)fflush(stdout);
}

/* Pings are spread over their ten seconds; a lost session is made again here. */
static void on_tick(uv_timer_t *timer)
{
    static size_t at;
    size_t share = crowd.count / (PING_MS / 100) + 1;
    (void)timer;
    for (size_t i = 0; i < share; i++, at = (at + 1) % crowd.count) {
        struct member *member = &crowd.members[at];
        struct message ping = {
            .kind = MESSAGE_PING,
            .ping = {.sent_us = (uint64_t)clock_mono_us(), .spooled = member->waiting_count}};
        if (member->stage == LIVE)
            (void)channel_send(member->channel, &ping);
    }
    advance();
}

static void read_tokens(const char *path)
{
    char line[MAX_TOKEN];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        die("the token file cannot be read");
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        struct member *grown = realloc(crowd.members, (crowd.count + 1) * sizeof *grown);
        if (grown == NULL)
            die("out of memory");
        crowd.members = grown;
        grown[crowd.count] = (struct member){.stage = NO_IDENTITY};
        (void)snprintf(grown[crowd.count++].token, MAX_TOKEN, "%s", line);
    }
    (void)fclose(file);
    for (size_t i = 0; i < crowd.count; i++) {
        (void)uv_timer_init(&crowd.loop, &crowd.members[i].timer);
        crowd.members[i].timer.data = &crowd.members[i];
        crowd.members[i].sequence = (uint64_t)(clock_wall_us() / US_PER_S - INT64_C(1735689600)) << 32;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4)
        die("usage: bench-crowd PORT TOKEN-FILE [BATCHES]");
    crowd.flood_batches = argc < 4 ? 0 : strtoul(argv[3], NULL, 10);
    if (crowd.flood_batches > BATCH_ROOM)
        die("too many batches");
    (void)signal(SIGPIPE, SIG_IGN);
    crowd.port = (uint16_t)strtoul(argv[1], NULL, 10);
    if (uv_loop_init(&crowd.loop) != 0 || !address_parse("127.0.0.1", &crowd.address))
        die("cannot start");
    crowd_certificates();
    read_tokens(argv[2]);
    if (crowd.count == 0)
        die("no tokens");
    (void)uv_timer_init(&crowd.loop, &crowd.tick);
    (void)uv_timer_init(&crowd.loop, &crowd.end);
    (void)uv_signal_init(&crowd.loop, &crowd.terminated);
    (void)uv_signal_start(&crowd.terminated, on_signal, SIGTERM);
    (void)uv_signal_init(&crowd.loop, &crowd.asked);
    (void)uv_signal_start(&crowd.asked, on_signal, SIGUSR1);
    (void)uv_signal_init(&crowd.loop, &crowd.flood);
    (void)uv_signal_start(&crowd.flood, on_flood, SIGUSR2);
    (void)uv_timer_start(&crowd.tick, on_tick, 0, 100);
    (void)uv_run(&crowd.loop, UV_RUN_DEFAULT);
    bool all = unacked() == 0;
    return report() == 0 && all && !crowd.failed ? 0 : 1;
}
