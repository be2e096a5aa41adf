#include "inject.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_ulong calls;
static atomic_ulong fail_at; /* 0: not armed */
static atomic_ulong fail_length;
static atomic_bool failed;
static atomic_bool paused;
static pthread_t armed_by;
static atomic_bool only_here;
const char *inject_what = "";

void inject_arm(unsigned long n, unsigned long length)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_length, length);
    atomic_store(&failed, false);
    armed_by = pthread_self();
    inject_what = "";
    atomic_store(&fail_at, n);
}

bool inject_disarm(void)
{
    atomic_store(&fail_at, 0);
    return atomic_load(&failed);
}

void inject_pause(void)
{
    atomic_store(&paused, true);
}

void inject_resume(void)
{
    atomic_store(&paused, false);
}

void inject_here_only(bool here_only)
{
    atomic_store(&only_here, here_only);
}

static void say(const char *text)
{
    ssize_t put = write(STDERR_FILENO, text, strlen(text));
    (void)put;
}

static void on_alarm(int number)
{
    (void)number;
    say("hangs after a failure of ");
    say(inject_what);
    say("\n");
    _exit(1);
}

void inject_watch(unsigned seconds)
{
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(seconds);
}

bool inject_fails(const char *what)
{
    unsigned long at = atomic_load(&fail_at);
    if (at == 0 || atomic_load(&paused))
        return false;
    if (atomic_load(&only_here) && pthread_equal(armed_by, pthread_self()) == 0)
        return false;
    unsigned long call = atomic_fetch_add(&calls, 1) + 1;
    if (call < at || call >= at + atomic_load(&fail_length))
        return false;
    if (call == at)
        inject_what = what;
    atomic_store(&failed, true);
    return true;
}

/* --- memory --- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return inject_fails("malloc") ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return inject_fails("calloc") ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    return inject_fails("realloc") ? NULL : __real_realloc(memory, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return inject_fails("strdup") ? NULL : __real_strdup(text);
}

char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length)
{
    return inject_fails("strndup") ? NULL : __real_strndup(text, length);
}

int __wrap_vasprintf(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int __real_vasprintf(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    if (!inject_fails("vasprintf"))
        return __real_vasprintf(out, format, args);
    *out = NULL;
    return -1;
}

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = inject_fails("asprintf") ? -1 : __real_vasprintf(out, format, args);
    va_end(args);
    if (length < 0)
        *out = NULL;
    return length;
}

/* --- files --- */

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    if (!inject_fails("mkdir"))
        return __real_mkdir(path, mode);
    errno = EACCES;
    return -1;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (!inject_fails("rename"))
        return __real_rename(from, to);
    errno = EIO;
    return -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (!inject_fails("fsync"))
        return __real_fsync(fd);
    errno = EIO;
    return -1;
}

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    if (!inject_fails("write"))
        return __real_write(fd, bytes, length);
    errno = ENOSPC;
    return -1;
}
