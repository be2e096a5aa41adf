#include "cmocka_all.h"

#include "probe/pcap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The blocks of a file, as they are read back. */

static struct pcap_flow flow_of(const char *ours, const char *theirs)
{
    struct pcap_flow flow = {.our_port = 40000, .their_port = 443, .sent = 7, .received = 9};
    assert_true(address_parse(ours, &flow.ours) && address_parse(theirs, &flow.theirs));
    return flow;
}

static uint32_t sum(uint32_t start, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        start += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return start;
}

/* What is right sums up to all ones with its checksum in it. */
static void assert_checked(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    assert_int_equal(total, 0xffff);
}

static void packets_have_right_checksums(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"192.0.2.1", "203.0.113.250"},
                                           {"2001:db8::1", "2001:db8:ffff::fe"}};
    uint8_t out[PCAP_HEADERS_MAX_BYTES + PCAP_SEGMENT_BYTES];
    for (size_t i = 0; i < 2; i++) {
        struct pcap_flow flow = flow_of(pairs[i][0], pairs[i][1]);
        for (size_t length = 0; length < 5; length++) {
            size_t ip = i == 0 ? 20 : 40;
            assert_int_equal(pcap_packet(&flow, true, PCAP_ACK | PCAP_PSH, "\xff\xfe\1\2\3", length, out),
                             ip + 20 + length);
            if (i == 0)
                assert_checked(sum(0, out, ip));
            uint32_t pseudo = sum(6 + 20 + (uint32_t)length, out + (i == 0 ? 12 : 8), i == 0 ? 8 : 32);
            assert_checked(sum(pseudo, out + ip, 20 + length));
            assert_memory_equal(out + ip, "\x9c\x40\x01\xbb\0\0\0\x7\0\0\0\x9\x50\x18", 14);
        }
    }
}

static uint32_t word(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

/* Walks the blocks. @return how many packets there are; the flags of their TCP headers into flags. */
static size_t read_back(const char *path, uint8_t *flags, size_t room)
{
    static uint8_t bytes[64 * 1024];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file), packets = 0, at = 0;
    (void)fclose(file);
    assert_true(length > 28 && word(bytes) == 0x0A0D0D0A && word(bytes + 8) == 0x1A2B3C4D);
    assert_non_null(memmem(bytes, length, "Synthetic", 9));
    while (at < length) {
        uint32_t size = word(bytes + at + 4);
        assert_true(size >= 12 && size % 4 == 0 && at + size <= length);
        assert_int_equal(word(bytes + at + size - 4), size);
        if (word(bytes + at) == 6 && packets < room)
            flags[packets++] = bytes[at + 28 + 20 + 13];
        at += size;
    }
    return packets;
}

static void a_connection_is_written_from_syn_to_fin(void **state)
{
    (void)state;
    char folder[] = "/tmp/plx.pcap.XXXXXX", path[64], *why = NULL;
    static uint8_t big[3000];
    uint8_t flags[32];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/x", folder);
    struct pcap *pcap = pcap_open(path, &why);
    assert_non_null(pcap);
    struct evidence_flow from = {.source_port = 40000, .destination_port = 443};
    assert_true(address_parse("192.0.2.1", &from.source) && address_parse("192.0.2.2", &from.destination));
    struct pcap_flow flow;
    pcap_begin(&flow, pcap, &from, "one", 1);
    pcap_answer(&flow, true, 2);
    pcap_bytes(&flow, true, "hello", 5, 3);
    pcap_bytes(&flow, false, big, sizeof big, 4);
    pcap_end(&flow, ENDING_FIN, 5);
    pcap_end(&flow, ENDING_RESET, 6);
    pcap_begin(&flow, pcap, &from, "two", 7);
    pcap_answer(&flow, false, 8);
    pcap_bytes(&flow, true, "nothing", 7, 9);
    assert_int_equal(pcap_close(pcap), 0);
    static const uint8_t wanted[] = {2,  18, 16,             /* SYN, SYN-ACK, ACK */
                                     24, 16, 16, 16, 24, 16, /* five bytes; three segments */
                                     17, 17,                 /* FIN of both */
                                     2,  20};                /* SYN, RST */
    assert_int_equal(read_back(path, flags, sizeof flags), sizeof wanted);
    assert_memory_equal(flags, wanted, sizeof wanted);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_file_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    char *why = NULL;
    assert_null(pcap_open("/nowhere/at/all", &why));
    assert_non_null(strstr(why, "/nowhere/at/all"));
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_have_right_checksums),
        cmocka_unit_test(a_connection_is_written_from_syn_to_fin),
        cmocka_unit_test(a_file_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
