#include "cli/cli.h"
#include "cli/term.h"
#include "diff/watch.h"
#include "link/clock.h"
#include "outlet/alert.h"
#include "outlet/post.h"
#include "outlet/receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `parallax-collector alert test`: an alert of an incident that never was, and what the receivers say to it. */

static const struct cli_option options[] = {
    RECEIVER_OPTIONS,
    {NULL, 0, NULL, 0, NULL},
};

struct trial {
    const struct receiver *receiver;
    unsigned *failed;
};

/* It is known by its name, and ends by itself. */
static char *trial_alerts(const json_t *incident)
{
    json_t *labels = alert_labels(incident), *alerts = json_array();
    (void)json_object_set_new(labels, "alertname", json_string("ParallaxTest"));
    (void)json_object_set_new(labels, "severity", json_string("info"));
    (void)json_array_append_new(alerts, alert_json(incident, labels, NULL, clock_wall_us()));
    char *text = json_array_size(alerts) == 1 ? json_dumps(alerts, JSON_COMPACT) : NULL;
    json_decref(labels);
    json_decref(alerts);
    return text;
}

static char *trial_event(const json_t *incident)
{
    const struct alert_event event = {.change = INCIDENT_OPENED,
                                      .at = json_string_value(json_object_get(incident, "opened_at")),
                                      .confidence = 1};
    json_t *root = event_json(&event, incident, NULL);
    (void)json_object_set_new(root, "test", json_true());
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void trial_over(const struct post_answer *answer, void *arg)
{
    struct trial *trial = arg;
    char *text = text_safe_copy(answer->text);
    const char *between = text[0] == '\0' ? "" : ": ";
    if (answer->delivered)
        (void)printf(_("%s: delivered, HTTP %ld%s%s\n"), trial->receiver->name, answer->status, between,
                     text);
    else if (answer->status != 0)
        (void)printf(_("%s: refused, HTTP %ld%s%s\n"), trial->receiver->name, answer->status, between, text);
    else
        (void)printf(_("%s: failed%s%s\n"), trial->receiver->name, between, text);
    *trial->failed += !answer->delivered;
    free(text);
}

static bool trial_send(struct poster *poster, struct trial *trial)
{
    json_t *incident = alert_sample(clock_wall_us());
    char *body = incident == NULL                            ? NULL
                 : trial->receiver->kind == RECEIVER_WEBHOOK ? trial_event(incident)
                                                             : trial_alerts(incident);
    bool sent = body != NULL && poster_send(poster, trial->receiver, body, trial_over, trial);
    json_decref(incident);
    free(body);
    return sent;
}

/* A poster's timer is only there while a post is, so the loop ends with the last answer. */
static int try_all(const struct receivers *receivers)
{
    uv_loop_t loop;
    struct trial trials[RECEIVERS_MAX];
    unsigned failed = 0;
    bool sent = uv_loop_init(&loop) == 0;
    struct poster *poster = sent ? poster_new(&loop) : NULL;
    sent = poster != NULL;
    for (size_t i = 0; sent && i < receivers->count; i++) {
        trials[i] = (struct trial){&receivers->receiver[i], &failed};
        sent = trial_send(poster, &trials[i]);
    }
    if (!sent)
        cli_error(_("out of memory"));
    else
        (void)uv_run(&loop, UV_RUN_DEFAULT);
    poster_close(poster, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return sent && failed == 0 ? EXIT_HEALTHY : EXIT_FAILED;
}

static int run(struct cli_args *args)
{
    struct receivers receivers = {.count = 0};
    const char *value;
    bool failed = false;
    for (int id; !failed && (id = cli_next(args, &value)) != 0;)
        (void)receivers_option(&receivers, id, value, &failed);
    int code = EXIT_USAGE;
    if (!failed && receivers.count == 0)
        code = cli_usage(_("say where to: --alertmanager URL or --webhook URL"));
    else if (!failed)
        code = try_all(&receivers);
    receivers_done(&receivers);
    return code;
}

const struct cli_verb verb_alert_test = {
    .name = "alert test",
    .operands = "",
    .summary = N_("send a test alert, and show what comes back"),
    .options = options,
    .run = run,
};
