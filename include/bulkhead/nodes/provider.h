/* SPDX-License-Identifier: Apache-2.0 */
/* provider.h - node-group providers behind one table of functions
 *
 * A group is one compute environment's machines. Every call returns at once; its answer comes later
 * on the loop, exactly once, unless the group is freed first (then never). At most one call of each
 * verb is in flight per group; the caller keeps to that. Nothing here decides: the core says what
 * to launch and terminate.
 *
 * Tokens     launch carries a token that is unique in the environment. The same token again must
 * not launch again, also after a restart: providers make machine names from it or remember it.
 * Bounds     a program's output 4 MiB, its run time 60 s, instances INSTANCES_MAX. */
#ifndef BULKHEAD_NODES_PROVIDER_H
#define BULKHEAD_NODES_PROVIDER_H

#include "bulkhead/api/instance.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/base/err.h"

#include <uv.h>

struct kube_client;
struct node_group;

enum { NODE_GROUP_LAUNCH_MAX = 1000 }; /* instances a launch may ask for */

struct provider_answer {
    enum provider_result result;
    const char *message; /* one sentence unless PROVIDER_OK */
    const struct instances
        *instances; /* launch: those launched (also with PROVIDER_CAPACITY: the part that
                       could be had); observe: all there are; terminate: the named ones */
    const struct instance_type *types; /* types only */
    size_t type_count;
};
typedef void (*provider_callback)(void *ctx,
                                  const struct provider_answer *answer); /* borrowed for the call */

struct provider_host { /* what the process lends to providers */
    uv_loop_t *loop;
    struct kube_client *kube;
    const char *programs_dir; /* --node-programs-dir; NULL: command environments are refused */
    int64_t (*now_ns)(void);  /* steady time, see clock.h */
    int64_t program_ms_max;   /* how long a program may run; 0: 60 s */
};

struct provider {
    const char *name; /* "kwok", "static", "command" */
    /* Each must call done once (never from inside the call itself). */
    void (*types)(struct node_group *group, provider_callback done, void *ctx);
    void (*observe)(struct node_group *group, provider_callback done, void *ctx);
    void (*launch)(struct node_group *group, const char *instance_type, const char *zone,
                   int64_t count, const char *token, provider_callback done, void *ctx);
    void (*terminate)(struct node_group *group, const char *const *ids, size_t count,
                      provider_callback done, void *ctx);
    void (*free_state)(struct node_group *group);
};
const struct provider *provider_find(enum provider_kind kind);

/* The environment is copied as far as needed; node_group_update follows an edited spec (of the same
 * name and provider: another provider is another group). What is in flight goes on as it was asked.
 */
struct node_group *node_group_new(const struct provider_host *host,
                                  const struct compute_environment *environment);
void node_group_update(struct node_group *group, const struct compute_environment *environment);
struct node_group *
node_group_free(struct node_group *group); /* cancels what is in flight; callbacks never come */
DEFINE_AUTO(node_group, node_group_free)
void node_group_types(struct node_group *group, provider_callback done, void *ctx);
void node_group_observe(struct node_group *group, provider_callback done, void *ctx);
void node_group_launch(struct node_group *group, const char *instance_type, const char *zone,
                       int64_t count, const char *token, provider_callback done, void *ctx);
void node_group_terminate(struct node_group *group, const char *const *ids, size_t count,
                          provider_callback done, void *ctx);

#endif
