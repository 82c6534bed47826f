/* SPDX-License-Identifier: Apache-2.0 */
/* world_shares.c - scheduling policies of the text world, and what queues tell of their shares */
#include "core/world_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* weights=a:0.5,b*:2 */
static void weights_from(const char *text, struct scheduling_policy *policy)
{
    AUTO_TEXT copy = text_copy(text);
    char *rest = copy;
    char *item;
    policy->weights = mem_new(POLICY_SHARES_MAX * sizeof(*policy->weights));
    while (rest != NULL && (item = strsep(&rest, ",")) != NULL) {
        char *colon = strchr(item, ':');
        policy->weights[policy->weight_count++] = (struct share_weight){
            .identifier = text_copy_n(item, (size_t)(colon - item)),
            .weight = (int64_t)(strtod(colon + 1, NULL) * SHARE_WEIGHT_ONE + 0.5),
        };
    }
}

struct scheduling_policy *policy_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct scheduling_policy *policy = mem_new(sizeof(*policy));
    const char *decay = line_get(&line, "decay");
    const char *reservation = line_get(&line, "reservation");
    meta_from(thing, &policy->meta);
    policy->decay_s = decay != NULL ? line_ns(decay) / NS_PER_S : POLICY_DECAY_S;
    policy->reservation = reservation != NULL ? strtoll(reservation, NULL, 10) : 0;
    weights_from(line_get(&line, "weights"), policy);
    policy->dominant = line_has(&line, "dominant");
    policy->reclaim = line_has(&line, "reclaim");
    policy->invalid = text_copy(line_get(&line, "invalid"));
    if (policy->invalid != NULL && policy->invalid[0] == '\0')
        text_set(&policy->invalid, NULL); /* mended */
    line_done(&line);
    return policy;
}

void shares_write(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world, "queue", action->name);
    const struct queue_shares *shares = &action->queue_status->shares;
    if (thing == NULL || shares->at_ns == 0)
        return;
    thing->shares_at_ns = shares->at_ns;
    thing->shares_active = shares->active;
    text_set(&thing->shares_used, shares->used);
}

void log_shares(struct world *world)
{
    log_line(world, "shares");
    for (const struct thing *thing = world->things; thing != NULL; thing = thing->next) {
        if (strcmp(thing->kind, "queue") == 0 && thing->shares_at_ns > 0)
            str_addf(&world->log, "  %s at %" PRId64 "s active %" PRId64 " %s\n", thing->name,
                     (int64_t)((thing->shares_at_ns - WORLD_EPOCH_NS) / NS_PER_S),
                     thing->shares_active, thing->shares_used != NULL ? thing->shares_used : "");
    }
}
