/* SPDX-License-Identifier: Apache-2.0 */
/* group.h - what the providers of this folder share: the group, and how a call is begun and
 * answered
 *
 * Order      group_begin when a call comes in; then, from the loop and exactly once, group_answer;
 * or group_refuse, which may be used inside the call because it answers on the next turn. Ownership
 * provider_host and its client are borrowed; everything else here belongs to the group. */
#ifndef BULKHEAD_SRC_NODES_GROUP_H
#define BULKHEAD_SRC_NODES_GROUP_H

#include "bulkhead/nodes/provider.h"

enum group_verb { GROUP_TYPES, GROUP_OBSERVE, GROUP_LAUNCH, GROUP_TERMINATE, GROUP_VERB_COUNT };

struct group_later;
struct group_call {
    provider_callback done; /* NULL: no such call in flight */
    void *ctx;
    struct group_later *later; /* the answer that waits for the next turn, or NULL */
};

struct node_group {
    const struct provider *provider;
    struct provider_host host;
    char *programs_dir;
    char *name; /* the environment's */
    struct instance_type *catalog;
    size_t catalog_count;
    char *program;
    struct key_values parameters;
    struct group_call calls[GROUP_VERB_COUNT];
    void *state; /* the provider's own; provider->free_state ends it */
};

void group_begin(struct node_group *group, enum group_verb verb, provider_callback done, void *ctx);
/* Calls done; last thing a provider does with the group, for the callback may free it. */
void group_answer(struct node_group *group, enum group_verb verb,
                  const struct provider_answer *answer);
/* Answers on the next turn of the loop. With PROVIDER_OK format must be "". */
void group_refuse(struct node_group *group, enum group_verb verb, enum provider_result result,
                  const char *format, ...) PRINTF_LIKE(4, 5);

const struct instance_type *group_find_type(const struct node_group *group, const char *name);

extern const struct provider provider_static, provider_kwok, provider_command;

#endif
