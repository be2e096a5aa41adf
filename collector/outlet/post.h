#ifndef PARALLAX_COLLECTOR_OUTLET_POST_H
#define PARALLAX_COLLECTOR_OUTLET_POST_H

#include "outlet/receiver.h"

#include <stdbool.h>
#include <uv.h>

/* JSON to receivers over HTTP, without holding up the loop; see post.c. */
struct poster;

enum { POST_ANSWER_BYTES = 512, POST_TIMEOUT_S = 15 };

struct post_answer {
    bool delivered;               /* 2xx */
    long status;                  /* HTTP; 0: it did not come to an answer */
    char text[POST_ANSWER_BYTES]; /* the first line of the answer, or why there is none; a stranger's bytes */
};
typedef void post_done_fn(const struct post_answer *answer, void *arg);

/** @return NULL without memory. */
struct poster *poster_new(uv_loop_t *loop);

/**
 * Posts, with a timeout. @param receiver  outlives it. @param body  JSON, copied. `done` is called once, from the loop, unless the poster is closed
 * before that.
 * @return false without memory.
 */
bool poster_send(struct poster *poster, const struct receiver *receiver, const char *body, post_done_fn *done,
                 void *arg);

/** Gives up what is under way and frees itself; `done` comes from the loop. NULL is fine, and done comes at once. */
void poster_close(struct poster *poster, void (*done)(void *arg), void *arg);

#endif
