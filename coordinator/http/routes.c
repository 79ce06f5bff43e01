#include "coordinator/http/routes.h"

#include <stdio.h>
#include <string.h>

#include <rt/attr.h>

#include "coordinator/http/conn.h"
#include "coordinator/http/routes_demo.h"

static const struct route {
    const char *path;
    void (*get)(struct conn *c);
    void (*post)(struct conn *c);
} routes[] = {
    {"/stats", routes_demo_stats, NULL},
    {"/blocks", routes_demo_blocks, routes_demo_add},
    {"/mine", NULL, routes_demo_mine},
    {"/healthz", routes_demo_health, NULL},
};

static void refuse_method(struct conn *c, const struct route *route)
{
    char allow[64];
    snprintf(allow, sizeof allow, "%s%s%s", route->get ? "GET, HEAD" : "", route->get && route->post ? ", " : "",
             route->post ? "POST" : "");
    conn_reply(c, 405, json_pack("{s:s}", "error", "the method is not allowed here"), allow);
}

void routes_handle(struct conn *c)
{
    const char *path = conn_path(c), *method = conn_method(c);
    bool gets = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, posts = strcmp(method, "POST") == 0;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(path, routes[i].path) != 0)
            continue;
        void (*handler)(struct conn *) = gets ? routes[i].get : posts ? routes[i].post : NULL;
        if (handler)
            handler(c);
        else
            refuse_method(c, &routes[i]);
        return;
    }
    conn_fail(c, 404, "there is nothing at this path");
}
