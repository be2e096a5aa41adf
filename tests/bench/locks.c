#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

/*
 * The agent, with a watch on its locks, for workers.sh. Workers that hinder each other do it there: while one holds a lock, another
 * that wants it does nothing. Says at the end how often a lock was taken, how often it was not free, and the CPU time of those who
 * held one. CPU time, because a machine that is short of cores takes a holder off its core, which says nothing of the lock.
 */

static atomic_ullong takings, waits, held_ns;
static _Thread_local uint64_t since_ns;

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void __real_uv_mutex_lock(uv_mutex_t *mutex);
void __wrap_uv_mutex_lock(uv_mutex_t *mutex);
void __wrap_uv_mutex_lock(uv_mutex_t *mutex)
{
    atomic_fetch_add(&takings, 1);
    if (uv_mutex_trylock(mutex) != 0) {
        atomic_fetch_add(&waits, 1);
        __real_uv_mutex_lock(mutex);
    }
    since_ns = thread_cpu_ns();
}

void __real_uv_mutex_unlock(uv_mutex_t *mutex);
void __wrap_uv_mutex_unlock(uv_mutex_t *mutex);
void __wrap_uv_mutex_unlock(uv_mutex_t *mutex)
{
    atomic_fetch_add(&held_ns, thread_cpu_ns() - since_ns);
    __real_uv_mutex_unlock(mutex);
}

static void say(void)
{
    (void)fprintf(stderr, "locks: %llu %llu %llu\n", atomic_load(&takings), atomic_load(&waits),
                  atomic_load(&held_ns) / 1000);
}

__attribute__((constructor)) static void watch(void)
{
    (void)atexit(say);
}
