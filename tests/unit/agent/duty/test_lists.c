#include "cmocka_all.h"

#include "duty/lists.h"

#include <stdlib.h>
#include <string.h>

/* As many endpoints as a list may have. @param tag  its hash, and what its texts are made of. */
static struct endpoint_list huge_list(uint8_t tag, size_t count)
{
    static char sni[PLAN_NAME_MAX];
    struct endpoint_list list = {.count = count, .endpoints = calloc(count, sizeof *list.endpoints)};
    assert_non_null(list.endpoints);
    memset(sni, 'a', sizeof sni - 1);
    memset(list.sha256, tag, sizeof list.sha256);
    for (size_t i = 0; i < count; i++)
        list.endpoints[i] = (struct endpoint){.id = i, .site = "s", .host = "www.shop.example", .sni = sni};
    return list;
}

static bool add(struct lists *lists, uint8_t tag, size_t count)
{
    struct endpoint_list list = huge_list(tag, count);
    bool added = lists_add(lists, &list);
    free(list.endpoints);
    return added;
}

static size_t bytes_of(const struct lists *lists)
{
    size_t bytes = 0;
    for (size_t i = 0; i < LISTS_MAX; i++)
        bytes += lists->lists[i] == NULL ? 0 : lists->lists[i]->arena.used_bytes;
    return bytes;
}

static void all_lists_have_one_bound(void **state)
{
    (void)state;
    struct lists lists = {0};
    uint8_t tag[PLAN_SHA256_BYTES];
    for (uint8_t i = 1; i < 12; i++) {
        assert_true(add(&lists, i, 50000));
        assert_in_range(bytes_of(&lists), 1, LISTS_MAX_BYTES);
    }
    memset(tag, 1, sizeof tag);
    assert_null(lists_hold(&lists, tag)); /* the oldest gave way */
    memset(tag, 11, sizeof tag);
    struct held_list *held = lists_hold(&lists, tag);
    assert_non_null(held);
    lists_release(held);
    lists_done(&lists);
}

static void a_list_that_is_held_gives_no_way(void **state)
{
    (void)state;
    struct lists lists = {0};
    struct held_list *held[LISTS_MAX];
    uint8_t tag[PLAN_SHA256_BYTES];
    unsigned count = 0;
    for (uint8_t i = 1; i < 12 && add(&lists, i, 50000); i++) {
        memset(tag, i, sizeof tag);
        held[count] = lists_hold(&lists, tag);
        assert_non_null(held[count++]);
    }
    assert_in_range(count, 1, 10);
    assert_in_range(bytes_of(&lists), 1, LISTS_MAX_BYTES);
    lists_release(held[0]);
    assert_true(add(&lists, 100, 50000));
    for (unsigned i = 1; i < count; i++)
        lists_release(held[i]);
    lists_done(&lists);
}

static void too_long_a_list_is_refused(void **state)
{
    (void)state;
    struct lists lists = {0};
    assert_false(add(&lists, 1, LIST_MAX_ENDPOINTS + 1));
    lists_done(&lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_lists_have_one_bound),
        cmocka_unit_test(a_list_that_is_held_gives_no_way),
        cmocka_unit_test(too_long_a_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
