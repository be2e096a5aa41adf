#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/handles.h"

#include <stdlib.h>

static int done_calls;

static void count_done(void *arg)
{
    done_calls++;
    free(arg);
}

struct owner {
    uv_timer_t timer;
    uv_tcp_t tcp;
    uv_idle_t never;
    struct handles group;
};

static void test_closes_once(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct owner *owner = calloc(1, sizeof *owner);
    handles_init(&owner->group);
    uv_timer_init(&loop, &owner->timer);
    uv_tcp_init(&loop, &owner->tcp);
    handles_add(&owner->group, &owner->timer);
    handles_add(&owner->group, &owner->tcp);
    handles_add(&owner->group, &owner->never);
    done_calls = 0;
    handles_close_all(&owner->group, &loop, count_done, owner);
    handles_close_all(&owner->group, &loop, count_done, owner);
    assert_int_equal(done_calls, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done_calls, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_nothing_to_close(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct owner *owner = calloc(1, sizeof *owner);
    handles_init(&owner->group);
    handles_add(&owner->group, &owner->never);
    done_calls = 0;
    handles_close_all(&owner->group, &loop, count_done, owner);
    assert_int_equal(done_calls, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done_calls, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closes_once),
        cmocka_unit_test(test_nothing_to_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
