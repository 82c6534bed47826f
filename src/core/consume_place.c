/* SPDX-License-Identifier: Apache-2.0 */
/* consume_place.c - is there enough of every consumable resource, and if not, why? */
#include "gang.h"
#include "order.h"

#include <string.h>

enum { NAMES_TOLD = 3, HOLDS_LOOKED_AT = 50 };

/* -------------------------------------------------------------------- placement */

void consume_pass_begin(struct core *core)
{
    core->consume_pass++;
}

void consume_pass_end(struct core *core)
{
    struct core_consumable *resource;
    while ((resource = core->consumables_dirty) != NULL) {
        core->consumables_dirty = resource->dirty_next;
        resource->dirty = false;
        consumable_free_if_unused(core, resource);
    }
}

bool consume_has_news(const struct core_queue *queue)
{
    const struct core_job *job = order_first(queue);
    for (size_t i = 0; job != NULL && i < job->hold_count; i++) {
        if (job->holds[i].of->dirty)
            return true;
    }
    return false;
}

/* What is needed for some more children, never beyond what there can be of anything. */
static int64_t needed(const struct hold *hold, int64_t children)
{
    return children > CONSUMABLE_QUANTITY_MAX / hold->quantity ? CONSUMABLE_QUANTITY_MAX
                                                               : children * hold->quantity;
}

/* Is there an environment that would take it? What others need is not kept for who has none, nor
 * is it left to him by who buys: that may last for ever. */
static bool is_served(const struct core *core, const struct core_job *job)
{
    const struct core_queue *queue = job->queue;
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment_usable(environment) &&
            environment_serves(environment, job->spec->meta.namespace_))
            return true;
    }
    return false;
}

void consume_reserve(struct core *core, struct core_queue *queue)
{
    const struct core_job *job = order_first(queue);
    bool any = job != NULL && job->hold_count > 0 && is_served(core, job);
    for (size_t i = 0; any && i < job->hold_count; i++) {
        struct core_consumable *resource = job->holds[i].of;
        if (resource->reserved_pass != core->consume_pass)
            resource->reserved = 0;
        resource->reserved_pass = core->consume_pass;
        resource->reserved += needed(&job->holds[i], job_wanted(job));
        resource->reserved_for = queue;
    }
    queue->reserves = any;
}

static int64_t reserved_now(const struct core *core, const struct core_consumable *resource)
{
    return resource->reserved_pass == core->consume_pass ? resource->reserved : 0;
}

static bool claims_full(const struct core_consumable *resource)
{
    return consume_is_spent(resource) &&
           resource->hold_count + resource->orphan_count >= CONSUMABLE_CLAIMS_MAX;
}

static int64_t times_of(const struct core *core, const struct hold *hold)
{
    const struct core_consumable *resource = hold->of;
    int64_t left = consume_left_now(resource) - resource->kept - reserved_now(core, resource);
    return left > 0 && !claims_full(resource) ? left / hold->quantity : 0;
}

int64_t consume_times(const struct core *core, const struct core_job *job)
{
    int64_t times = INT64_MAX;
    for (size_t i = 0; i < job->hold_count; i++) {
        int64_t here = times_of(core, &job->holds[i]);
        times = here < times ? here : times;
    }
    return times;
}

/* Of a multi-node job nothing starts unless there is enough for all of its nodes. */
static int64_t at_once(const struct core_job *job)
{
    return job->gang ? (int64_t)job->size : 1;
}

bool consume_lacks(const struct core *core, const struct core_job *job)
{
    return job->hold_count > 0 && consume_times(core, job) < at_once(job);
}

bool consume_part_fits(const struct core_job *job)
{
    for (size_t i = 0; i < job->hold_count; i++) {
        const struct hold *hold = &job->holds[i];
        int64_t own = job->kept * hold->quantity;
        if (consume_left_now(hold->of) - hold->of->kept + own < hold->quantity ||
            claims_full(hold->of))
            return false;
    }
    return true;
}

void consume_keep(struct core *core, struct core_job *job)
{
    int64_t parts = 0;
    bool open = job->gang_open && !job->gone && !job->ended && job->children != NULL;
    unsigned attempt = job->hold_count > 0 && open ? gang_attempt(job) : 0;
    for (uint32_t i = 0; attempt > 0 && i < job->size; i++)
        parts += job->children[i].pod == NULL && job->children[i].attempts < attempt;
    for (size_t i = 0; parts != job->kept && i < job->hold_count; i++) {
        struct hold *hold = &job->holds[i];
        hold->of->kept += (parts - job->kept) * hold->quantity;
        consume_changed(core, hold->of);
    }
    job->kept = parts;
}

int64_t consume_buy(struct core *core, const struct core_job *job, int64_t wanted)
{
    int64_t enough = wanted;
    if (job->hold_count > 0 && !is_served(core, job))
        return wanted; /* nothing will be bought for it */
    for (size_t i = 0; i < job->hold_count; i++) {
        const struct hold *hold = &job->holds[i];
        struct core_consumable *resource = hold->of;
        if (resource->planned_pass != core->buy_pass)
            resource->planned = 0;
        resource->planned_pass = core->buy_pass;
        int64_t left = consume_left_now(resource) - resource->kept - resource->planned;
        int64_t times = left > 0 ? left / hold->quantity : 0;
        enough = times < enough ? times : enough;
        resource->planned += needed(hold, wanted);
    }
    return enough;
}

/* --------------------------------------------------------------------- verdicts */

static bool takes_from(const struct consumable_resource *spec, const char *namespace_)
{
    for (size_t i = 0; i < spec->namespaces.count; i++) {
        if (strcmp(spec->namespaces.items[i], namespace_) == 0)
            return true;
    }
    return spec->namespaces.count == 0;
}

static void print_need(const struct core_job *job, const struct hold *hold, struct str *out)
{
    str_addf(out, "needs %lld of ConsumableResource %s", (long long)hold->quantity, hold->of->name);
    if (job->gang)
        str_addf(out, " for each of %u nodes", job->size);
}

static enum verdict never(const struct core_job *job, const struct hold *hold, struct str *out)
{
    const struct core_consumable *resource = hold->of;
    const struct consumable_resource *spec = resource->spec;
    const char *name = resource->name;
    if (spec == NULL) {
        str_addf(out, "ConsumableResource %s does not exist: create it", name);
        return VERDICT_CONSUMABLE_MISSING;
    }
    if (spec->invalid != NULL) {
        str_addf(out, "ConsumableResource %s is invalid: %s", name, spec->invalid);
        return VERDICT_CONSUMABLE_MISSING;
    }
    if (spec->meta.deleted_ns != 0) {
        str_addf(out, "ConsumableResource %s is being deleted: create it again", name);
        return VERDICT_CONSUMABLE_MISSING;
    }
    if (!takes_from(spec, job->spec->meta.namespace_)) {
        str_addf(out,
                 "ConsumableResource %s is not for namespace %s: add it to "
                 "spec.kubernetesNamespaces of the resource",
                 name, job->spec->meta.namespace_);
        return VERDICT_NAMESPACE;
    }
    if (hold->quantity <= consume_left_at_most(resource) / at_once(job))
        return VERDICT_NONE;
    str_addf(out, "%s - ", blocked_reason_name(BLOCKED_REQUIREMENT));
    print_need(job, hold, out);
    str_addf(out, ", of which there %s %lld", spec->total == 1 ? "is" : "are",
             (long long)spec->total);
    if (resource->consumed > 0)
        str_addf(out, ", %lld of them used up", (long long)resource->consumed);
    str_add(out, ": raise its totalQuantity");
    return VERDICT_CONSUMABLE_TOO_SMALL;
}

enum verdict consume_never(const struct core_job *job, struct str *out)
{
    for (size_t i = 0; i < job->hold_count; i++) {
        enum verdict verdict = never(job, &job->holds[i], out);
        if (verdict != VERDICT_NONE)
            return verdict;
    }
    return VERDICT_NONE;
}

/* "default/a (2), default/b (1) and 4 more pods" */
void consume_print_holders(const struct core_consumable *resource, struct str *out)
{
    const char *names[NAMES_TOLD];
    int64_t sums[NAMES_TOLD] = {0};
    size_t count = 0, told = 0, looked = 0;
    for (const struct hold *hold = resource->holds; hold != NULL && looked < HOLDS_LOOKED_AT;
         hold = hold->next, looked++) {
        const char *name = hold->pod->job != NULL ? hold->pod->job->key : hold->pod->key;
        size_t i = 0;
        while (i < count && strcmp(names[i], name) != 0)
            i++;
        if (i == NAMES_TOLD)
            continue;
        if (i == count)
            names[count++] = name;
        sums[i] += hold->quantity;
        told++;
    }
    for (size_t i = 0; i < count; i++)
        str_addf(out, "%s%s (%lld)", i > 0 ? ", " : "", names[i], (long long)sums[i]);
    size_t more = resource->hold_count - told;
    if (more > 0)
        str_addf(out, " and %zu more pod%s", more, more == 1 ? "" : "s");
}

enum verdict consume_words(const struct core *core, const struct core_job *job, struct str *out)
{
    size_t i = 0;
    while (i + 1 < job->hold_count && times_of(core, &job->holds[i]) >= at_once(job))
        i++;
    const struct hold *hold = &job->holds[i];
    const struct core_consumable *resource = hold->of;
    int64_t left = consume_left_now(resource);
    int64_t enough = needed(hold, at_once(job));
    print_need(job, hold, out);
    str_addf(out, ", %lld of %lld free", (long long)(left > 0 ? left : 0),
             (long long)consume_left_at_most(resource));
    if (left >= enough && claims_full(resource))
        str_addf(out, "; %d pods that take of it have not started yet, as many as may be at a time",
                 CONSUMABLE_CLAIMS_MAX);
    else if (left >= enough && left - resource->kept < enough)
        str_add(out, "; kept for nodes of a multi-node job that are about to start");
    else if (left >= enough && resource->reserved_for != NULL)
        str_addf(out, "; queue %s of higher priority goes first", resource->reserved_for->name);
    if (resource->hold_count > 0) {
        str_add(out, "; held by ");
        consume_print_holders(resource, out);
    }
    if (resource->orphan_count > 0)
        str_addf(out, "; claimed before a restart, and not made yet: %zu pod%s",
                 resource->orphan_count, resource->orphan_count == 1 ? "" : "s");
    return VERDICT_CONSUMABLE;
}
