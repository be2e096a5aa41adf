#include "diff/watch_parts.h"

/*
 * What fails. One fault shows itself as different classes: a lossy path times out at any stage, a middlebox cuts before or
 * after the ClientHello. Those classes make one family. An expired certificate and a gateway error are faults of their own.
 *
 * When two families are there at once, each is looked at alone too: a failure of another family at an earlier stage hides
 * whether this one is there (missing), one at a later stage shows that it is not (a pass).
 */

enum { FAMILY_DNS = 1, FAMILY_SILENT = 2, FAMILY_REFUSED = 3, FAMILY_CUT = 4, FAMILY_MIXED_END = 5 };

int family_of(int class)
{
    switch (class) {
    case OUTCOME_TCP_TIMEOUT:
    case OUTCOME_HELLO_SILENT:
    case OUTCOME_HELLO_UNACKED:
    case OUTCOME_HELLO_FLIGHT_LOST:
    case OUTCOME_TLS_STALLED:
    case OUTCOME_HTTP_SILENT:
        return FAMILY_SILENT;
    case OUTCOME_TCP_REFUSED:
    case OUTCOME_TCP_UNREACHABLE:
    case OUTCOME_TCP_OTHER:
        return FAMILY_REFUSED;
    case OUTCOME_HELLO_RESET:
    case OUTCOME_HELLO_CLOSED:
    case OUTCOME_TLS_RESET:
    case OUTCOME_TLS_CLOSED:
    case OUTCOME_HTTP_RESET:
    case OUTCOME_HTTP_CLOSED:
        return FAMILY_CUT;
    default:
        return class >= OUTCOME_DNS_NXDOMAIN && class <= OUTCOME_DNS_OTHER ? FAMILY_DNS : class;
    }
}

bool family_is_mixed(int family)
{
    return family < FAMILY_MIXED_END;
}

bool families_meet(const int a[2], const int b[2])
{
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < 2; k++) {
            if (a[i] != 0 && a[i] == b[k])
                return true;
        }
    }
    return false;
}

static int stage_of(int class)
{
    return (int)outcome_make((enum outcome_class) class, RAW_NONE, 0).stage;
}

enum view_mark view_read(const struct view *view, const struct mark *mark)
{
    if (!mark_fails(mark))
        return mark->state == MARK_NONE ? VIEW_MISSING : VIEW_PASS;
    int family = family_of(mark->class);
    if (view->family == 0 || family == view->family)
        return VIEW_FAIL;
    if (stage_of(mark->class) != view->stage)
        return stage_of(mark->class) > view->stage ? VIEW_PASS : VIEW_MISSING;
    /* At one stage, a rarer kind among a commoner one is an exception that wants a place of its own. */
    bool apart = !family_is_mixed(family) && !family_is_mixed(view->family);
    return apart && view->counts[family] > view->counts[view->family] ? VIEW_PASS : VIEW_MISSING;
}
