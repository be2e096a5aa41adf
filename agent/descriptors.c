#include "descriptors.h"

#include <sys/resource.h>

unsigned descriptors_raise(unsigned wanted)
{
    struct rlimit limit;
    rlim_t all = (rlim_t)wanted + DESCRIPTORS_BESIDES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < all) {
        limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > all ? all : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= all)
        return wanted;
    return limit.rlim_cur > DESCRIPTORS_BESIDES ? (unsigned)(limit.rlim_cur - DESCRIPTORS_BESIDES) : 1;
}
