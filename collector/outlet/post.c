#include "outlet/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * libcurl's multi interface on the loop: curl says which sockets to watch and when to be called again, the loop does both.
 *
 *      poster_send --> curl_multi_add_handle --> curl: watch this socket, call me in n ms
 *      loop: socket ready, or time over --> curl_multi_socket_action --> finished transfers --> done
 *
 * Certificates are verified, redirects are not followed, an answer is read no further than its beginning, and a transfer ends
 * after POST_TIMEOUT_S whatever happens. Names are resolved by curl's own thread; CURLOPT_QUICK_EXIT keeps curl from waiting
 * for it when the time is over before the name is known.
 */

struct poster {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct post *first;
    unsigned open; /* handles that are not closed */
    bool closing;
    void (*done)(void *arg);
    void *arg;
};

/* A socket of curl's on the loop. */
struct watched {
    uv_poll_t poll;
    struct poster *poster;
    curl_socket_t socket;
};

struct post {
    struct poster *poster;
    struct post *next;
    CURL *curl;
    struct curl_slist *headers;
    char *body;
    char error[CURL_ERROR_SIZE];
    struct post_answer answer;
    size_t answer_length;
    post_done_fn *done;
    void *arg;
};

/* --- one post --- */

static void post_free(struct post *post)
{
    curl_easy_cleanup(post->curl);
    curl_slist_free_all(post->headers);
    free(post->body);
    free(post);
}

static size_t post_on_answer(char *bytes, size_t one, size_t length, void *arg)
{
    struct post *post = arg;
    size_t room = POST_ANSWER_BYTES - 1 - post->answer_length;
    size_t taken = length < room ? length : room;
    (void)one;
    memcpy(post->answer.text + post->answer_length, bytes, taken);
    post->answer_length += taken;
    return length; /* the rest is read past; the timeout bounds it */
}

static bool post_add_header(struct post *post, const char *text)
{
    struct curl_slist *longer = curl_slist_append(post->headers, text);
    if (longer != NULL)
        post->headers = longer;
    return longer != NULL;
}

static bool post_authorize(struct post *post, const char *token)
{
    return token == NULL ||
           (curl_easy_setopt(post->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
            curl_easy_setopt(post->curl, CURLOPT_XOAUTH2_BEARER, token) == CURLE_OK);
}

static bool post_set(struct post *post, const struct receiver *receiver)
{
    CURL *curl = post->curl;
    const char *bundle = getenv("SSL_CERT_FILE");
    return post_add_header(post, "Content-Type: application/json") && post_add_header(post, "Expect:") &&
           post_authorize(post, receiver->token) &&
           curl_easy_setopt(curl, CURLOPT_URL, receiver->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           (bundle == NULL || curl_easy_setopt(curl, CURLOPT_CAINFO, bundle) == CURLE_OK) &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)POST_TIMEOUT_S / 3) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)POST_TIMEOUT_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "parallax-collector/" PARALLAX_VERSION) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, post_on_answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, post) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PRIVATE, post) == CURLE_OK;
}

/* Takes it off the poster's list and off curl, and tells how it went. */
static void post_finish(struct post *post, CURLcode code)
{
    struct post **at = &post->poster->first;
    while (*at != post)
        at = &(*at)->next;
    *at = post->next;
    (void)curl_multi_remove_handle(post->poster->multi, post->curl);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &post->answer.status);
        post->answer.text[strcspn(post->answer.text, "\r\n")] = '\0';
        post->answer.delivered = post->answer.status >= 200 && post->answer.status < 300;
    } else {
        const char *why = post->error[0] != '\0' ? post->error : curl_easy_strerror(code);
        (void)snprintf(post->answer.text, sizeof post->answer.text, "%s", why);
    }
    post->done(&post->answer, post->arg);
    post_free(post);
}

/* --- curl on the loop --- */

static void poster_work(struct poster *poster, curl_socket_t socket, int events)
{
    int running = 0, left = 0;
    (void)curl_multi_socket_action(poster->multi, socket, events, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(poster->multi, &left)) != NULL;) {
        struct post *post = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&post) == CURLE_OK)
            post_finish(post, code);
    }
}

static void poster_on_ready(uv_poll_t *poll, int status, int events)
{
    struct watched *watched = poll->data;
    int ready = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
                (status < 0 ? CURL_CSELECT_ERR : 0);
    poster_work(watched->poster, watched->socket, ready);
}

static void poster_on_time(uv_timer_t *timer)
{
    poster_work(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int poster_on_timer_wish(CURLM *multi, long wait_ms, void *arg)
{
    struct poster *poster = arg;
    (void)multi;
    if (wait_ms < 0 || poster->closing)
        (void)uv_timer_stop(&poster->timer);
    else
        (void)uv_timer_start(&poster->timer, poster_on_time, (uint64_t)wait_ms, 0);
    return 0;
}

static void poster_free_if_over(struct poster *poster)
{
    if (!poster->closing || poster->open > 0)
        return;
    if (poster->done != NULL)
        poster->done(poster->arg);
    free(poster);
}

static void watched_closed(uv_handle_t *handle)
{
    struct watched *watched = handle->data;
    struct poster *poster = watched->poster;
    free(watched);
    poster->open--;
    poster_free_if_over(poster);
}

static struct watched *watched_new(struct poster *poster, curl_socket_t socket)
{
    struct watched *watched = calloc(1, sizeof *watched);
    if (watched == NULL || uv_poll_init_socket(poster->loop, &watched->poll, socket) != 0) {
        free(watched);
        return NULL;
    }
    watched->poster = poster;
    watched->socket = socket;
    watched->poll.data = watched;
    poster->open++;
    (void)curl_multi_assign(poster->multi, socket, watched);
    return watched;
}

static int poster_on_socket_wish(CURL *curl, curl_socket_t socket, int what, void *arg, void *kept)
{
    struct poster *poster = arg;
    struct watched *watched = kept;
    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        (void)curl_multi_assign(poster->multi, socket, NULL);
        if (watched != NULL)
            uv_close((uv_handle_t *)&watched->poll, watched_closed);
        return 0;
    }
    if (watched == NULL && (watched = watched_new(poster, socket)) == NULL)
        return -1;
    return uv_poll_start(&watched->poll,
                         (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                         poster_on_ready) == 0
               ? 0
               : -1;
}

/* --- public --- */

struct poster *poster_new(uv_loop_t *loop)
{
    struct poster *poster = calloc(1, sizeof *poster);
    if (poster == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(poster);
        return NULL;
    }
    poster->loop = loop;
    poster->multi = curl_multi_init();
    if (poster->multi == NULL) {
        free(poster);
        return NULL;
    }
    (void)curl_multi_setopt(poster->multi, CURLMOPT_SOCKETFUNCTION, poster_on_socket_wish);
    (void)curl_multi_setopt(poster->multi, CURLMOPT_SOCKETDATA, poster);
    (void)curl_multi_setopt(poster->multi, CURLMOPT_TIMERFUNCTION, poster_on_timer_wish);
    (void)curl_multi_setopt(poster->multi, CURLMOPT_TIMERDATA, poster);
    (void)uv_timer_init(loop, &poster->timer);
    poster->timer.data = poster;
    poster->open = 1;
    return poster;
}

bool poster_send(struct poster *poster, const struct receiver *receiver, const char *body, post_done_fn *done,
                 void *arg)
{
    struct post *post = calloc(1, sizeof *post);
    if (post == NULL)
        return false;
    post->poster = poster;
    post->done = done;
    post->arg = arg;
    post->body = strdup(body);
    post->curl = curl_easy_init();
    if (post->body == NULL || post->curl == NULL || !post_set(post, receiver) ||
        curl_multi_add_handle(poster->multi, post->curl) != CURLM_OK) {
        post_free(post);
        return false;
    }
    post->next = poster->first;
    poster->first = post;
    return true;
}

static void poster_timer_closed(uv_handle_t *handle)
{
    struct poster *poster = handle->data;
    poster->open--;
    poster_free_if_over(poster);
}

void poster_close(struct poster *poster, void (*done)(void *arg), void *arg)
{
    if (poster == NULL) {
        if (done != NULL)
            done(arg);
        return;
    }
    poster->closing = true;
    poster->done = done;
    poster->arg = arg;
    while (poster->first != NULL) {
        struct post *post = poster->first;
        poster->first = post->next;
        (void)curl_multi_remove_handle(poster->multi, post->curl);
        post_free(post);
    }
    (void)curl_multi_cleanup(poster->multi);
    uv_close((uv_handle_t *)&poster->timer, poster_timer_closed);
}
