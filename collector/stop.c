#include "stop.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

atomic_bool stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = true;
}

void stop_catch(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}
