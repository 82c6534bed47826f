/* SPDX-License-Identifier: Apache-2.0 */
#include "startup.h"

#include "bulkhead/api/meta.h"
#include "bulkhead/base/log.h"
#include "bulkhead/kube/access.h"

#include <stdlib.h>

enum { PAUSE_MS_MIN = 500, PAUSE_MS_MAX = 15000 };

static const char *const resources[] = {"batchjobs",           "jobqueues",   "jobdefinitions",
                                        "computeenvironments", "arraystates", "consumableresources",
                                        "schedulingpolicies",  "cells",       NULL};

#define READ(group, resource)                                                                      \
    {"get", (group), (resource), NULL}, {"list", (group), (resource), NULL},                       \
    {                                                                                              \
        "watch", (group), (resource), NULL                                                         \
    }
#define MAY(verb, group, resource)                                                                 \
    {                                                                                              \
        (verb), (group), (resource), NULL                                                          \
    }
/* What no job can run without. Events and the nodes of the kwok provider are not among it. */
static const struct kube_right rights[] = {
    READ(API_GROUP, "batchjobs"),
    MAY("update", API_GROUP, "batchjobs/status"),
    READ(API_GROUP, "jobdefinitions"),
    MAY("update", API_GROUP, "jobdefinitions/status"),
    READ(API_GROUP, "jobqueues"),
    MAY("patch", API_GROUP, "jobqueues"),
    MAY("update", API_GROUP, "jobqueues/status"),
    READ(API_GROUP, "computeenvironments"),
    MAY("patch", API_GROUP, "computeenvironments"),
    MAY("update", API_GROUP, "computeenvironments/status"),
    READ(API_GROUP, "consumableresources"),
    MAY("patch", API_GROUP, "consumableresources"),
    MAY("update", API_GROUP, "consumableresources/status"),
    READ(API_GROUP, "schedulingpolicies"),
    READ(API_GROUP, "arraystates"),
    MAY("create", API_GROUP, "arraystates"),
    MAY("update", API_GROUP, "arraystates"),
    MAY("get", API_GROUP, "cells"),
    MAY("create", API_GROUP, "cells"),
    MAY("update", API_GROUP, "cells/status"),
    MAY("patch", API_GROUP, "cells/status"),
    READ("", "pods"),
    MAY("create", "", "pods"),
    MAY("patch", "", "pods"),
    MAY("delete", "", "pods"),
    READ("", "nodes"),
    MAY("list", "apps", "daemonsets"),
    MAY("watch", "apps", "daemonsets"),
    READ("", "services"),
    MAY("create", "", "services"),
    MAY("delete", "", "services"),
    READ("apps", "controllerrevisions"),
    MAY("create", "apps", "controllerrevisions"),
    MAY("delete", "apps", "controllerrevisions"),
    MAY("list", "node.k8s.io", "runtimeclasses"),
    MAY("watch", "node.k8s.io", "runtimeclasses"),
};
static const char *const lease_verbs[] = {"get", "create", "update"};

struct startup {
    struct startup_options options;
    char *lease_namespace;
    uv_timer_t timer;
    struct kube_backoff backoff;
    struct kube_right rights[ARRAY_LEN(rights) + ARRAY_LEN(lease_verbs)]; /* the lease's too */
    char *obstacle;                                                       /* NULL: none known */
};

static void ask(struct startup *startup);

static void on_pause_over(uv_timer_t *timer)
{
    ask(timer->data);
}

static void stumble(struct startup *startup, const char *why)
{
    if (!text_eq(startup->obstacle, why)) {
        text_set(&startup->obstacle, why);
        log_warn("cannot start yet; trying on", KV("why", why));
    }
    int64_t pause_ms = kube_backoff_next(&startup->backoff, &startup->options.random);
    uv_timer_start(&startup->timer, on_pause_over, (uint64_t)pause_ms, 0);
}

static bool same_resource(const struct kube_right *a, const struct kube_right *b)
{
    return text_eq(a->group, b->group) && text_eq(a->resource, b->resource);
}

void rights_print(const struct kube_right *all, const size_t *missing, size_t count,
                  struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct kube_right *right = &all[missing[i]];
        bool another = i > 0 && same_resource(right, &all[missing[i - 1]]);
        if (another)
            str_addf(out, ",%s", right->verb);
        else
            str_addf(out, "%s%s%s%s: %s", i > 0 ? "; " : "", right->resource,
                     right->group[0] != '\0' ? "." : "", right->group, right->verb);
    }
}

static void on_access(void *ctx, const size_t *missing, size_t missing_count, const struct err *err)
{
    struct startup *startup = ctx;
    AUTO_STR why = STR_EMPTY;
    if (missing_count > 0) {
        str_add(&why, "rights are missing (kubectl apply -k manifests/default): ");
        rights_print(startup->rights, missing, missing_count, &why);
        stumble(startup, str_text(&why));
    } else if (err != NULL) {
        stumble(startup, err->text);
    } else {
        text_set(&startup->obstacle, NULL);
        startup->options.on_passed(startup->options.ctx);
    }
}

static void on_discovery(void *ctx, const struct err *why)
{
    struct err err;
    struct startup *startup = ctx;
    if (why != NULL)
        stumble(startup, why->text);
    else if (kube_access_check(startup->options.kube, startup->rights, ARRAY_LEN(startup->rights),
                               on_access, startup, &err) < 0)
        stumble(startup, err.text);
}

static void ask(struct startup *startup)
{
    struct err err;
    if (kube_discovery_check(startup->options.kube, API_VERSION, resources, on_discovery, startup,
                             &err) < 0)
        stumble(startup, err.text);
}

struct startup *startup_new(uv_loop_t *uv, const struct startup_options *options)
{
    struct startup *startup = mem_new(sizeof(*startup));
    startup->options = *options;
    startup->lease_namespace = text_copy(options->lease_namespace);
    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        startup->rights[i] = rights[i];
    for (size_t i = 0; i < ARRAY_LEN(lease_verbs); i++)
        startup->rights[ARRAY_LEN(rights) + i] = (struct kube_right){
            lease_verbs[i], "coordination.k8s.io", "leases", startup->lease_namespace};
    startup->backoff = (struct kube_backoff){.min_ms = PAUSE_MS_MIN, .max_ms = PAUSE_MS_MAX};
    uv_timer_init(uv, &startup->timer);
    startup->timer.data = startup;
    ask(startup);
    return startup;
}

const char *startup_obstacle(const struct startup *startup)
{
    return startup->obstacle;
}

static void on_closed(uv_handle_t *handle)
{
    struct startup *startup = handle->data;
    free(startup->lease_namespace);
    free(startup->obstacle);
    free(startup);
}

struct startup *startup_free(struct startup *startup)
{
    if (startup != NULL)
        uv_close((uv_handle_t *)&startup->timer, on_closed);
    return NULL;
}
