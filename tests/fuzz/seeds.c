#include "fuzz.h"

#include "link/pack.h"
#include "link/pki.h"
#include "words/attempt_from_json.h"
#include "words/attempt_json.h"
#include "words/carry.h"
#include "words/classify.h"
#include "words/frame.h"
#include "words/message.h"
#include "words/units.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/*
 * Makes inputs to begin with, from attempts that are lines of JSON on stdin (as probe and export write them):
 *
 *   fuzz-seeds FOLDER <LINES     FOLDER/{attempt_json,conclude,message,frame,pack,import}/...
 */

enum { MAX_ATTEMPTS = 4096, CASE_ATTEMPTS = 4, BATCH_RECORDS = 3, MAX_PACKED = 64 };

static const char *folder;

static void put(const char *target, const char *name, size_t number, const struct buf *bytes)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s/%s-%zu", folder, target, name, number);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL && fwrite(bytes->data, 1, bytes->len, file) == bytes->len && fclose(file) == 0);
}

static struct attempt *read_line(const char *text)
{
    struct json_reader reader = {0};
    json_t *json = json_loads(text, 0, NULL);
    struct json_part part = json_document(&reader, json);
    struct attempt *attempt = json_is_object(json) ? attempt_from_json(&part) : NULL;
    json_decref(json);
    return attempt;
}

static void put_json(const struct attempt *attempt, size_t number)
{
    struct buf text;
    json_t *json = attempt_json(attempt, NULL, classify(attempt));
    char *dump = json_dumps(json, JSON_COMPACT);
    REQUIRE(dump != NULL);
    size_t length = strlen(dump);
    buf_init(&text, 0);
    REQUIRE(buf_text(&text, dump));
    put("attempt_json", "attempt", number, &text);
    buf_clear(&text);
    REQUIRE(buf_byte(&text, 0) && buf_byte(&text, (uint8_t)(length >> 8)) &&
            buf_byte(&text, (uint8_t)length) && buf_text(&text, dump));
    put("conclude", "json", number, &text);
    buf_done(&text);
    free(dump);
    json_decref(json);
}

static void add_piece(struct buf *out, const struct attempt *attempt)
{
    struct buf bytes;
    buf_init(&bytes, UINT16_MAX);
    if (attempt_encode(attempt, &bytes))
        REQUIRE(buf_byte(out, (uint8_t)(bytes.len >> 8)) && buf_byte(out, (uint8_t)bytes.len) &&
                buf_append(out, bytes.data, bytes.len));
    buf_done(&bytes);
}

/* Each alone, and with those that follow it under the variants that a ladder has. */
static void put_cases(struct attempt **attempts, size_t count)
{
    struct buf input;
    buf_init(&input, 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t members = 1; members <= CASE_ATTEMPTS && i + members <= count;
             members += CASE_ATTEMPTS - 1) {
            buf_clear(&input);
            REQUIRE(buf_byte(&input, (uint8_t)i));
            for (size_t k = 0; k < members; k++) {
                enum variant kept = attempts[i + k]->variant;
                if (k > 0)
                    attempts[i + k]->variant = (enum variant)(1 + (i + k) % VARIANT_OCSP);
                add_piece(&input, attempts[i + k]);
                attempts[i + k]->variant = kept;
            }
            put("conclude", members == 1 ? "one" : "case", i, &input);
        }
    }
    buf_done(&input);
}

static void put_message(const struct message *message, size_t number, struct buf *stream)
{
    struct buf payload;
    buf_init(&payload, 0);
    REQUIRE(message_encode(message, &payload));
    put("message", message_kind_name((int)message->kind), number, &payload);
    if (payload.len < 256)
        REQUIRE(frame_write(stream, payload.data, payload.len));
    buf_done(&payload);
}

/* One of every kind, and batches of what there is. */
static void put_messages(struct attempt **attempts, size_t count)
{
    static uint8_t hashes[2][32] = {{1}, {2}};
    struct endpoint endpoints[] = {
        {.id = 7, .site = "shop", .host = "www.shop.example", .port = 443, .sni = ""},
        {.id = 8,
         .site = "shop",
         .host = "192.0.2.7",
         .port = 8443,
         .sni = "www.shop.example",
         .role = ROLE_ORIGIN},
        {.id = 9,
         .site = "",
         .host = "2001:db8::7",
         .port = 443,
         .sni = "",
         .no_sni = true,
         .fetch = FETCH_ALL}};
    REQUIRE(address_parse("192.0.2.7", &endpoints[1].address));
    struct bytes der[] = {{(const uint8_t *)"0\x03\x02\x01\x01", 5}, {(const uint8_t *)"x", 1}};
    struct dropped_at at[] = {{.endpoint_id = 7, .count = 2}, {.count = 1}};
    struct message messages[] = {
        {.kind = MESSAGE_HELLO,
         .hello = {LINK_PROTOCOL, "0.1.0", "OpenSSL 3.0.20", 1234567890123, 5, "vps-1"}},
        {.kind = MESSAGE_WELCOME, .welcome = {LINK_PROTOCOL, "hk-1", 1234567890122, "0.1.0", 65536}},
        {.kind = MESSAGE_PING, .ping = {123456, 5}},
        {.kind = MESSAGE_PONG, .pong = {123456, 1795169564123456, 1795169564123466}},
        {.kind = MESSAGE_LIST, .list = {.count = 3, .endpoints = endpoints}},
        {.kind = MESSAGE_LIST_WANTED, .list_wanted = {{3}}},
        {.kind = MESSAGE_ROUND,
         .round = {8141, 1795169564000000, 30000000, 10000000, 1795169624000000, {4}, true}},
        {.kind = MESSAGE_ACK, .ack = {1234567890123}},
        {.kind = MESSAGE_CERTIFICATES_WANTED, .certificates_wanted = {2, hashes}},
        {.kind = MESSAGE_CERTIFICATES, .certificates = {2, der}},
        {.kind = MESSAGE_GOODBYE, .goodbye = {GOODBYE_REPLACED, "another agent uses this identity"}},
        {.kind = MESSAGE_ENROL_REQUEST, .enrol_request = {"plx1.00.x", der[0], "0.1.0", "vps-1"}},
        {.kind = MESSAGE_ENROL_ANSWER, .enrol_answer = {der[0], der[1], "hk-1"}},
        {.kind = MESSAGE_RENEW_REQUEST, .renew_request = {der[0]}},
        {.kind = MESSAGE_RENEW_ANSWER, .renew_answer = {der[0]}},
        {.kind = MESSAGE_PACKED, .packed = {der[0], der[1]}},
    };
    struct buf stream;
    buf_init(&stream, 0);
    REQUIRE(endpoint_list_seal(&messages[4].list) && buf_byte(&stream, 0x83));
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        put_message(&messages[i], 0, &stream);
    for (size_t i = 0; i + BATCH_RECORDS <= count; i += BATCH_RECORDS) {
        struct record records[BATCH_RECORDS + 1] = {
            [BATCH_RECORDS] = {.kind = RECORD_ROUND_REPORT, .report = {1u << 20, 8141, 9, 1, 2, 3, 2, at}}};
        for (size_t k = 0; k < BATCH_RECORDS; k++) {
            attempts[i + k]->sequence = k + 1;
            records[k] = (struct record){.kind = RECORD_ATTEMPT, .attempt = attempts[i + k]};
        }
        put_message(&(struct message){.kind = MESSAGE_BATCH, .batch = {BATCH_RECORDS + 1, records}}, i,
                    &stream);
    }
    put("frame", "stream", 0, &stream);
    buf_done(&stream);
}

/* --- packed batches --- */

static void put_piece(struct buf *out, const void *bytes, size_t length)
{
    REQUIRE(buf_byte(out, (uint8_t)(length >> 8)) && buf_byte(out, (uint8_t)length) &&
            buf_append(out, bytes, length));
}

/* What is under zstd, and noise, of a batch. */
static void put_packed(struct pack *sender, const struct bytes *records, size_t count, struct buf *out)
{
    struct buf zstd, noise, stream;
    buf_init(&zstd, 0);
    buf_init(&noise, 0);
    buf_init(&stream, UINT16_MAX);
    REQUIRE(pack(sender, records, count, &zstd, &noise));
    uint8_t *room = buf_room(&stream, UINT16_MAX);
    size_t length = room == NULL ? 0 : ZSTD_decompress(room, UINT16_MAX, zstd.data, zstd.len);
    REQUIRE(room != NULL && ZSTD_isError(length) == 0);
    put_piece(out, room, length);
    put_piece(out, noise.data, noise.len);
    buf_done(&zstd);
    buf_done(&noise);
    buf_done(&stream);
}

/* An attempt, and the same a moment later, as records and packed. */
static void put_packs(struct attempt **attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pack sender = {.most_bytes = PACK_MOST_BYTES};
        struct buf honest, packed, records[2];
        buf_init(&honest, 0);
        buf_init(&packed, 0);
        REQUIRE(buf_byte(&honest, 0) && buf_byte(&packed, 1));
        for (size_t k = 0; k < 2; k++) {
            struct record record = {.kind = RECORD_ATTEMPT, .attempt = attempts[i]};
            attempts[i]->sequence = k + 1;
            attempts[i]->clock.start_us += 60000000;
            attempts[i]->flow.source_port++;
            buf_init(&records[k], 0);
            REQUIRE(record_encode(&record, &records[k]));
            const struct bytes bytes = {records[k].data, records[k].len};
            put_piece(&honest, bytes.data, bytes.length);
            put_packed(&sender, &bytes, 1, &packed);
            buf_done(&records[k]);
        }
        put("pack", "records", i, &honest);
        put("pack", "packed", i, &packed);
        pack_done(&sender);
        buf_done(&honest);
        buf_done(&packed);
    }
}

/* --- a file that was carried by hand, signed --- */

static void put_base64(struct buf *out, const char *key, const void *bytes, size_t length)
{
    REQUIRE(buf_printf(out, ",\"%s\":\"", key) && base64_text(out, bytes, length) && buf_text(out, "\""));
}

/* A certificate's PEM within JSON. */
static void put_pem(struct buf *out, X509 *certificate)
{
    size_t length = 0;
    char *why = NULL, *pem = pki_certificate_pem(certificate, &length, &why);
    REQUIRE(pem != NULL);
    for (size_t i = 0; i < length; i++)
        REQUIRE(pem[i] == '\n' ? buf_text(out, "\\n") : buf_byte(out, (uint8_t)pem[i]));
    free(pem);
}

static void put_records(struct buf *out, struct attempt **attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf bytes;
        struct record record = {.kind = RECORD_ATTEMPT, .attempt = attempts[i]};
        attempts[i]->sequence = i + 1;
        buf_init(&bytes, 0);
        REQUIRE(record_encode(&record, &bytes));
        REQUIRE(buf_printf(out, "{\"kind\":\"attempt\",\"sequence\":%zu", i + 1));
        put_base64(out, "record", bytes.data, bytes.len);
        REQUIRE(buf_text(out, "}\n"));
        buf_done(&bytes);
    }
}

static void put_end(struct buf *out, EVP_PKEY *key, size_t records, const uint8_t *der, size_t der_length)
{
    uint8_t sha256[32];
    char hex[65];
    struct buf signature;
    SHA256(der, der_length, sha256);
    REQUIRE(buf_printf(out, "{\"kind\":\"certificate\",\"sha256\":\"%s\"", hex_text(sha256, 32, hex)));
    put_base64(out, "der", der, der_length);
    REQUIRE(buf_text(out, "}\n"));
    buf_init(&signature, 0);
    SHA256(out->data, out->len, sha256);
    REQUIRE(carry_sign(key, sha256, &signature));
    REQUIRE(buf_printf(out, "{\"kind\":\"end\",\"records\":%zu,\"certificates\":1,\"sha256\":\"%s\"", records,
                       hex_text(sha256, 32, hex)));
    put_base64(out, "signature", signature.data, signature.len);
    REQUIRE(buf_text(out, "}\n"));
    buf_done(&signature);
}

static void put_carried(struct attempt **attempts, size_t count)
{
    char *why = NULL;
    struct buf out;
    EVP_PKEY *key = pki_key_new(&why);
    X509 *ca = pki_ca_new(key, "CA", 1, &why),
         *certificate = pki_sign(ca, key, key, PKI_VANTAGE, "hk-1", 86400, &why);
    REQUIRE(certificate != NULL);
    buf_init(&out, 0);
    REQUIRE(buf_printf(
        &out,
        "{\"kind\":\"%s\",\"schema\":%d,\"vantage\":\"hk-1\",\"first\":1,\"last\":%zu,\"certificate\":\"",
        CARRY_KIND, CARRY_SCHEMA, count));
    put_pem(&out, certificate);
    REQUIRE(buf_text(&out, "\"}\n"));
    put_records(&out, attempts, count);
    put_end(&out, key, count, (const uint8_t *)"0\x03\x02\x01\x01", 5);
    put("import", "signed", count, &out);
    buf_done(&out);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
    static struct attempt *attempts[MAX_ATTEMPTS];
    size_t count = 0, room = 0;
    char *line = NULL;
    REQUIRE(argc == 2);
    folder = argv[1];
    while (count < MAX_ATTEMPTS && getline(&line, &room, stdin) > 0) {
        struct attempt *attempt = read_line(line);
        if (attempt == NULL)
            continue;
        put_json(attempt, count);
        attempts[count++] = attempt;
    }
    put_cases(attempts, count);
    put_messages(attempts, count);
    put_packs(attempts, count < MAX_PACKED ? count : MAX_PACKED);
    for (size_t records = 0; records < 4 && records <= count; records++)
        put_carried(attempts, records);
    for (size_t i = 0; i < count; i++)
        attempt_free(attempts[i]);
    free(line);
    (void)printf("%zu attempts\n", count);
    return 0;
}
