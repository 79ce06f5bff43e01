#include "coordinator/http/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/thread.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/log/log.h"
#include "coordinator/http/conn.h"
#include "coordinator/http/hostguard.h"
#include "coordinator/http/routes.h"
#include "coordinator/http/upstream.h"

enum {
    CONNECTIONS_MAX = 64,
    IDLE_MS = 30000,
    REQUEST_MS = 5000,
    WRITE_MS = 30000,
    FLUSH_MS = 200, /* at the end */
    FLUSH_STEP_MS = 5,
    BACKLOG = 128,
};

struct server {
    char address[64];
    char *hosts;
    int listen_fd, wake_fd;
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *bound; /* NULL once stopping */
    struct event *wake, *flush;
    struct upstream *upstream;
    struct conn_env env;
    int flush_left_ms;
    pthread_t thread;
    bool running;
};

/* Out of descriptors, mostly. Without a pause the loop would spin on the same connection. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct server *self = arg;
    LOG_ERROR("http_accept", "errno=%d", EVUTIL_SOCKET_ERROR());
    evconnlistener_disable(listener);
    event_add(self->flush, &(struct timeval){0, 100000});
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct server *self = arg;
    if (self->bound) {
        evconnlistener_enable(evhttp_bound_socket_get_listener(self->bound));
        return;
    }
    self->flush_left_ms -= FLUSH_STEP_MS;
    if (conn_close_idle(&self->env) == 0 || self->flush_left_ms <= 0)
        event_base_loopbreak(self->base);
    else
        event_add(self->flush, &(struct timeval){0, FLUSH_STEP_MS * 1000});
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct server *self = arg;
    evhttp_del_accept_socket(self->http, TAKE(self->bound));
    conn_stop_all(&self->env);
    self->flush_left_ms = FLUSH_MS;
    event_add(self->flush, &(struct timeval){0, FLUSH_STEP_MS * 1000});
}

/* Connections end before what their handlers ask of. */
static void close_all(struct server *self)
{
    if (self->http)
        evhttp_free(TAKE(self->http));
    conn_free_all(&self->env);
    upstream_free(&self->upstream);
}

static void *run(void *arg)
{
    struct server *self = arg;
    pthread_setname_np(pthread_self(), "http");
    event_base_dispatch(self->base);
    close_all(self);
    return NULL;
}

int server_check(const char *bind, bool insecure)
{
    struct sockaddr_storage at;
    socklen_t len;
    TRY(hostguard_parse(bind, &at, &len));
    return insecure || hostguard_is_loopback(&at) ? 0 : ERR_INSECURE;
}

static int listen_on(struct server *self, const char *bind_to, bool insecure)
{
    struct sockaddr_storage at;
    socklen_t len;
    TRY(server_check(bind_to, insecure));
    TRY(hostguard_parse(bind_to, &at, &len));
    self->listen_fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->listen_fd < 0 || setsockopt(self->listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(self->listen_fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 || /* inherited */
        bind(self->listen_fd, (struct sockaddr *)&at, len) < 0 || listen(self->listen_fd, BACKLOG) < 0 ||
        getsockname(self->listen_fd, (struct sockaddr *)&at, &len) < 0)
        return -errno;
    hostguard_format(&at, self->address, sizeof self->address);
    return 0;
}

/* libevent's words on what clients do. */
static void log_event(int severity, const char *text)
{
    if (severity == EVENT_LOG_ERR)
        LOG_ERROR("http_libevent", "text=%s", text);
    else
        LOG_DEBUG("http_libevent", "text=%s", text);
}

static int start_loop(struct server *self, const struct server_config *config)
{
    self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->wake_fd < 0)
        return -errno;
    event_set_log_callback(log_event);
    CHECK(evthread_use_pthreads() == 0);
    self->base = event_base_new();
    CHECK(self->base != NULL);
    TRY(upstream_new(&self->upstream, self->base, config->zmq, config->control));
    self->env = (struct conn_env){
        .base = self->base,
        .upstream = self->upstream,
        .hosts = self->hosts,
        .handle = routes_handle,
        .max = CONNECTIONS_MAX,
        .idle_ms = IDLE_MS,
        .request_ms = REQUEST_MS,
        .write_ms = WRITE_MS,
    };
    self->wake = event_new(self->base, self->wake_fd, EV_READ, on_stop, self);
    self->flush = evtimer_new(self->base, on_flush, self);
    self->http = evhttp_new(self->base);
    CHECK(self->wake != NULL && self->flush != NULL && self->http != NULL);
    conn_serve(self->http, &self->env);
    self->bound = evhttp_accept_socket_with_handle(self->http, self->listen_fd);
    CHECK(self->bound != NULL);
    self->listen_fd = -1; /* evhttp's now */
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(self->bound), on_accept_error);
    event_add(self->wake, NULL);
    /* Signals are the main thread's; a blocked SIGPIPE makes a write to a gone client fail instead of kill. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    self->running = err == 0;
    return -err;
}

int server_start(struct server **out, const struct server_config *config)
{
    struct server *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->listen_fd = self->wake_fd = -1;
    self->hosts = config->hosts ? strdup(config->hosts) : NULL;
    int err = listen_on(self, config->bind, config->insecure);
    if (err == 0)
        err = start_loop(self, config);
    if (err < 0) {
        server_free(&self);
        return err;
    }
    LOG_INFO("http_listening", "address=%s", self->address);
    *out = self;
    return 0;
}

const char *server_address(const struct server *self)
{
    return self->address;
}

void server_free(struct server **self_p)
{
    struct server *self = *self_p;
    if (!self)
        return;
    if (self->running) {
        CHECK(write(self->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t));
        CHECK(pthread_join(self->thread, NULL) == 0);
    }
    close_all(self);
    if (self->wake)
        event_free(self->wake);
    if (self->flush)
        event_free(self->flush);
    if (self->base)
        event_base_free(self->base);
    if (self->listen_fd >= 0)
        close(self->listen_fd);
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    free(self->hosts);
    free(TAKE(*self_p));
}
