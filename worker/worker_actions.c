#include "worker/worker_actions.h"

#include <stdio.h>
#include <string.h>

#include <rt/time.h>

#include "common/base/err.h"
#include "common/log/log.h"
#include "common/wire/endpoint.h"
#include "worker/crew.h"
#include "worker/link/socket.h"
#include "worker/session.h"
#include "worker/settings.h"
#include "worker/worker.h"
#include "worker/worker_messages.h"

static int open_socket(struct worker *w, struct socket **out, enum socket_kind kind, const char *endpoint)
{
    struct socket_options o = {.kind = kind, .endpoint = endpoint, .random = worker_random(w)};
    if (w->settings->secure) {
        o.keys = &w->settings->keys;
        o.server_key = w->settings->server_key;
    }
    o.conflate = out == &w->metrics; /* a slow collector: the newest report wins and nothing queues */
    int err = socket_open(out, w->zmq, &o);
    if (err < 0)
        LOG_WARN("connect_failed", "endpoint=%s code=%s", endpoint, err_code(err));
    return err;
}

static void close_sockets(struct worker *w, int linger_ms)
{
    socket_close(&w->work, linger_ms);
    socket_close(&w->tips, 0);
    socket_close(&w->metrics, 0);
    w->tips_endpoint[0] = w->metrics_endpoint[0] = '\0';
}

static void none(struct worker *w, const struct message *arg)
{
    (void)w;
    (void)arg;
}

static void bad(struct worker *w, const struct message *arg)
{
    w->out_of_place++;
    LOG_WARN("out_of_place", "state=%s message=%d", worker_fsm_state_name(w->state), arg ? (int)arg->type : 0);
}

static void dial(struct worker *w, const struct message *arg)
{
    (void)arg;
    int64_t now = rt_now();
    session_dialled(w->session, now);
    LOG_INFO("dial", "endpoint=%s", session_endpoint(w->session));
    if (open_socket(w, &w->work, SOCKET_DEALER, session_endpoint(w->session)) < 0)
        worker_step(w, WORKER_EV_SILENT, NULL);
    else
        session_greet(w->session, now, worker_look(w, now));
}

static void greet(struct worker *w, const struct message *arg)
{
    (void)arg;
    session_greet(w->session, rt_now(), worker_look(w, rt_now()));
}

/* Opens a socket that WELCOME names, unless it is open to that endpoint already. */
static void follow(struct worker *w, struct socket **s, char *open_to, struct cursor_view endpoint)
{
    char to[MESSAGE_ENDPOINT_LEN + 1] = "";
    if (endpoint.len > 0 &&
        endpoint_through(to, sizeof to, (const char *)endpoint.at, endpoint.len, session_endpoint(w->session)) < 0) {
        LOG_WARN("bad_endpoint", "endpoint=%.*s", (int)endpoint.len, (const char *)endpoint.at);
        to[0] = '\0';
    }
    if (*s && strcmp(to, open_to) == 0)
        return;
    socket_close(s, 0);
    snprintf(open_to, MESSAGE_ENDPOINT_LEN + 1, "%s", to);
    if (to[0] != '\0' && open_socket(w, s, s == &w->tips ? SOCKET_SUB : SOCKET_DEALER, open_to) < 0)
        open_to[0] = '\0'; /* BEACONs will be missed: silence, and another try */
}

static void settle(struct worker *w, const struct message *arg)
{
    const struct message_welcome *welcome = &arg->u.welcome;
    session_welcome(w->session, rt_now(), welcome);
    for (uint32_t i = 0; i < welcome->verdict_count; i++)
        if (welcome->verdicts[i].code != MESSAGE_CODE_OK && crew_drop(w->crew, welcome->verdicts[i].lease) == 0)
            LOG_WARN("lease_lost", "lease=%llu code=%d", (unsigned long long)welcome->verdicts[i].lease,
                     welcome->verdicts[i].code);
    follow(w, &w->tips, w->tips_endpoint, welcome->tip_ep);
    follow(w, &w->metrics, w->metrics_endpoint, welcome->metrics_ep);
    w->pause_on_loss = welcome->on_loss == MESSAGE_ON_LOSS_PAUSE;
    if (w->lost)
        crew_pause(w->crew, CREW_PAUSE_LOST, false);
    w->lost = false;
    w->schema_said = false;
    w->metrics_due_ns = 0;
    LOG_INFO("welcome", "wid=%llu epoch=%llu height=%llu", (unsigned long long)welcome->wid,
             (unsigned long long)welcome->epoch, (unsigned long long)welcome->tip.height);
    worker_messages_tip(w, &welcome->tip);
    if (worker_look(w, rt_now())->held_count > 0)
        worker_step(w, WORKER_EV_LEASE, NULL);
    session_prefetch(w->session, rt_now(), &w->seen);
}

static void mine(struct worker *w, const struct message *arg)
{
    (void)arg;
    LOG_DEBUG("mining", "leases=%zu", w->seen.held_count);
}

static void starve(struct worker *w, const struct message *arg)
{
    (void)arg;
    LOG_DEBUG("idle", "state=%s", worker_fsm_state_name(w->state));
}

static void redial(struct worker *w, const struct message *arg)
{
    (void)arg;
    LOG_WARN("coordinator_silent", "endpoint=%s", session_endpoint(w->session));
    close_sockets(w, 0);
    int64_t now = rt_now();
    session_dialled(w->session, now); /* no session any more: results wait in the outbox */
    w->dial_at_ns = now + session_next(w->session, worker_random(w));
    if (w->pause_on_loss) {
        crew_pause(w->crew, CREW_PAUSE_LOST, true);
        w->lost = true;
    }
}

static void refuse(struct worker *w, const struct message *arg)
{
    LOG_ERROR("refused", "endpoint=%s code=%d text=%.*s", session_endpoint(w->session), arg->u.error.code,
              (int)arg->u.error.text.len, (const char *)arg->u.error.text.at);
    w->exit = WORKER_EXIT_REFUSED;
    crew_stop(w->crew);
    close_sockets(w, 0);
}

static void drain(struct worker *w, const struct message *arg)
{
    (void)arg;
    crew_stop(w->crew);
    session_stop_asking(w->session);
    w->drain_until_ns = rt_now() + WORKER_DRAIN_MS * INT64_C(1000000);
}

static void leave(struct worker *w, const struct message *arg)
{
    (void)arg;
    crew_stop(w->crew);
    if (session_live(w->session))
        session_bye(w->session, worker_look(w, rt_now()), w->reason);
    size_t lost = session_unacked(w->session);
    if (lost > 0)
        LOG_WARN("unacknowledged", "results=%zu", lost);
    close_sockets(w, WORKER_LINGER_MS);
}

void worker_actions_do(struct worker *w, enum worker_action action, const struct message *arg)
{
    static void (*const table[WORKER_ACTIONS])(struct worker *, const struct message *) = {
        [WORKER_ACT_NONE] = none,     [WORKER_ACT_BAD] = bad,       [WORKER_ACT_DIAL] = dial,
        [WORKER_ACT_GREET] = greet,   [WORKER_ACT_SETTLE] = settle, [WORKER_ACT_MINE] = mine,
        [WORKER_ACT_STARVE] = starve, [WORKER_ACT_REDIAL] = redial, [WORKER_ACT_REFUSE] = refuse,
        [WORKER_ACT_DRAIN] = drain,   [WORKER_ACT_LEAVE] = leave,
    };
    table[action](w, arg);
}
