/* SPDX-License-Identifier: Apache-2.0 */
/* revisions.c - job definitions, what is stored of them, and the oracle on that
 *
 * A revision is true once the API server has it. A job's is the first that anything durable names:
 * a pod of it, or its status as the process in charge has written it. From then on every pod of the
 * job must be made of that content, whatever becomes of the definition. */
#include "sim/world.h"

#include "bulkhead/api/revision.h"
#include "bulkhead/base/str.h"

#include <stdio.h>
#include <string.h>

/* --- People ------------------------------------------------------------------------------------
 */

void definition_add(struct world *world, const char *namespace_)
{
    struct sim_definition *definition =
        object_new(world, KIND_DEFINITION, sizeof(*definition), namespace_, "common");
    definition->template_ = draw_template(world);
    definition->attempts = draw(world, 0, 3);
    if (chance(world, 300))
        needs_draw(world, &definition->needs);
    definition->history_limit = draw(world, 0, 2);
    store_add(world, &definition->object);
}

void definition_add_nodes(struct world *world, const char *namespace_)
{
    struct sim_definition *nodes =
        object_new(world, KIND_DEFINITION, sizeof(*nodes), namespace_, "nodes");
    nodes->template_ = draw_template(world);
    nodes->others = draw_template(world);
    nodes->nodes = (uint32_t)draw(world, 1, 4);
    nodes->main_node = (uint32_t)draw(world, 0, nodes->nodes - 1);
    store_add(world, &nodes->object);
}

static void run_add_again(struct world *world, struct task *task)
{
    const struct sim_definition *old = task->a;
    const char *namespace_ = old->object.namespace_;
    if (store_find(world, KIND_DEFINITION, namespace_, "common") == NULL)
        definition_add(world, namespace_);
}

static void delete_definition(struct world *world, struct sim_definition *definition)
{
    world->counters.definition_deletes++;
    STORY(world, "user   deletes definition %s/%s", definition->object.namespace_,
          definition->object.name);
    store_delete(world, &definition->object);
    if (chance(world, 700))
        after(world, draw_ms(world, 0, 3000), run_add_again, definition, NULL, 0);
}

static void deregister(struct world *world, struct sim_definition *definition)
{
    world->counters.deregistrations++;
    definition->was_deregistered = true;
    if (chance(world, 400))
        definition->deregistered = 0;
    else if (chance(world, 300))
        definition->deregistered = 0x1e; /* the first four */
    else
        definition->deregistered ^= (uint64_t)1 << draw(world, 1, 4);
    STORY(world, "user   deregisters revisions of %s/%s: %llx", definition->object.namespace_,
          definition->object.name, (unsigned long long)definition->deregistered);
    store_change(world, &definition->object, true);
}

static char *content_text(const struct template_ *template_, int64_t attempts,
                          const struct sim_needs *needs, uint32_t nodes)
{
    AUTO_STR text = STR_EMPTY;
    if (nodes > 0) /* whose content never changes */
        str_addf(&text, "%u nodes: ", nodes);
    str_addf(&text, "%s%lldm %lldMi x%lld", template_->assisted ? "assisted " : "",
             (long long)template_->cpu_milli, (long long)template_->memory_mib,
             (long long)attempts);
    for (size_t i = 0; i < needs->count; i++)
        str_addf(&text, " %s=%lld", needs->items[i].resource, (long long)needs->items[i].quantity);
    return str_take(&text);
}

/* Its content is once more what a stored revision has. */
static void mark_again(const struct world *world, const struct sim_definition *definition)
{
    const struct store *store = &world->stores[KIND_REVISION];
    AUTO_TEXT now = content_text(&definition->template_, definition->attempts, &definition->needs,
                                 definition->nodes);
    for (size_t i = 0; i < store->count; i++) {
        struct sim_revision *revision = (struct sim_revision *)store->items[i];
        AUTO_TEXT is = content_text(&revision->template_, revision->attempts, &revision->needs,
                                    revision->nodes);
        if (name_eq(revision->of_uid, definition->object.uid) && strcmp(is, now) == 0)
            revision->again = definition->edited;
    }
}

void definition_edit(struct world *world)
{
    const struct store *store = &world->stores[KIND_DEFINITION];
    if (store->count == 0)
        return;
    struct sim_definition *definition =
        (struct sim_definition *)store->items[draw(world, 0, (int64_t)store->count - 1)];
    if (definition->nodes > 0)
        return;
    if (chance(world, 150)) {
        delete_definition(world, definition);
        return;
    }
    if (chance(world, 250)) {
        deregister(world, definition);
        return;
    }
    if (chance(world, 200)) { /* applied again as it is */
        world->counters.same_edits++;
    } else {
        world->counters.definition_edits++;
        definition->template_ = draw_template(world);
        definition->attempts = draw(world, 0, 3);
        if (chance(world, 200))
            needs_draw(world, &definition->needs);
        definition->edited = world->version + 1;
        mark_again(world, definition);
        moment_edited(world, definition);
    }
    STORY(world, "user   edits definition %s/%s: %lldm, %lld attempts",
          definition->object.namespace_, definition->object.name,
          (long long)definition->template_.cpu_milli, (long long)definition->attempts);
    store_change(world, &definition->object, true);
}

void definition_choose(struct world *world, struct sim_job *job)
{
    job->definition_name = chance(world, 950) ? "common" : "missing";
    const struct sim_definition *definition =
        store_find(world, KIND_DEFINITION, job->object.namespace_, job->definition_name);
    if (definition != NULL) { /* a guess, until it has a revision */
        job->template_ = definition->template_;
        job->needs = definition->needs;
    }
    if (!chance(world, 250))
        return;
    job->definition_number = draw(world, 1, 3);
    world->counters.numbered_jobs++;
}

/* --- As the core takes them --------------------------------------------------------------------
 */

static struct job_definition *content_convert(const struct object *object,
                                              const struct template_ *template_, int64_t attempts,
                                              const struct sim_needs *needs, uint32_t nodes)
{
    struct job_definition *definition = mem_new(sizeof(*definition));
    meta_fill(object, &definition->meta);
    definition->has_nodes = nodes > 0;
    definition->has_template = nodes == 0;
    if (nodes == 0)
        template_fill(template_, &definition->template_);
    if (attempts > 0)
        definition->retry.attempts = OPT_I64(attempts);
    needs_fill(needs, &definition->consumables);
    definition->content = content_text(template_, attempts, needs, nodes);
    return definition;
}

struct job_definition *definition_convert(const struct sim_definition *from)
{
    struct job_definition *definition =
        content_convert(&from->object, &from->template_, from->attempts, &from->needs, from->nodes);
    if (from->nodes > 0)
        nodes_fill(from->nodes, from->main_node, &from->template_, &from->others,
                   &definition->nodes);
    definition->history_limit = from->history_limit;
    definition->deregistered.items = mem_new(64 * sizeof(int64_t));
    for (int64_t i = 0; i < 64; i++)
        if ((from->deregistered >> i & 1) != 0)
            definition->deregistered.items[definition->deregistered.count++] = i;
    definition->told_hash = from->told_hash;
    definition->latest_revision = from->told_latest;
    definition->runs = from->told_runs;
    return definition;
}

struct job_definition *revision_convert(const struct sim_revision *from)
{
    struct job_definition *revision =
        content_convert(&from->object, &from->template_, from->attempts, &from->needs, from->nodes);
    if (from->nodes > 0)
        nodes_fill(from->nodes, from->main_node, &from->template_, &from->others, &revision->nodes);
    revision->revision = from->number;
    revision->of_name = text_copy(from->of_name);
    revision->of_uid = text_copy(from->of_uid);
    return revision;
}

/* --- Requests ----------------------------------------------------------------------------------
 */

void revision_copy_order(struct world *world, const struct pod_order *order,
                         struct request *request)
{
    const struct job_definition *content = order->definition;
    if (content == NULL)
        return;
    request->revision =
        arena_printf(world->arena, "%s:%lld", content->of_name, (long long)content->revision);
    request->revision_of = arena_copy(world->arena, content->of_uid);
}

static struct template_ template_read(const struct pod_template *from)
{
    const struct resources *requests = &from->placement.requests;
    return (struct template_){
        .cpu_milli = requests->cpu_milli,
        .memory_mib = requests->memory_bytes / (1024 * 1024),
        .assisted = from->placement.scheduler != NULL,
        .hash = from->hash,
    };
}

void revision_copy(struct world *world, const struct action *action, struct request *request)
{
    if (action->kind == ACTION_DEFINITION_STATUS) {
        request->told_hash = job_definition_status_hash(action->definition_status);
        request->number = action->definition_status->latest_revision;
        request->told_runs = action->definition_status->runs;
        return;
    }
    const struct job_definition *from = action->definition;
    struct sim_revision *content = arena_alloc(world->arena, sizeof(*content));
    content->of_name =
        arena_copy(world->arena, from->of_name != NULL ? from->of_name : from->meta.name);
    content->of_uid =
        arena_copy(world->arena, from->of_uid != NULL ? from->of_uid : from->meta.uid);
    content->number = action->count;
    content->template_ = template_read(&from->template_);
    if (from->has_nodes) {
        content->nodes = (uint32_t)from->nodes.num_nodes;
        content->main_node = (uint32_t)from->nodes.main_node;
        content->others = template_read(&from->nodes.ranges[0].template_);
        content->template_ = template_read(&from->nodes.ranges[1].template_);
    }
    content->attempts = from->retry.attempts.set ? from->retry.attempts.value : 0;
    needs_read(world, &from->consumables, &content->needs);
    request->content = content;
}

void revision_create(struct world *world, struct request *request)
{
    const struct sim_revision *there =
        store_find(world, KIND_REVISION, request->namespace_, request->name);
    if (there != NULL) {
        world->counters.creates_exist++;
        request->result = DONE_EXISTS;
        request->ret_revision = (const struct sim_revision *)object_copy(world, &there->object);
        return;
    }
    struct sim_revision *revision =
        object_new(world, KIND_REVISION, sizeof(*revision), request->namespace_, request->name);
    struct object head = revision->object;
    *revision = *request->content;
    revision->object = head;
    store_add(world, &revision->object);
    world->counters.revisions++;
    request->ret_revision = (const struct sim_revision *)object_copy(world, &revision->object);
}

static bool is_used(const struct world *world, const struct sim_revision *revision)
{
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next) {
        const struct sim_job *job = truth->job;
        bool ended = job_ended(job);
        if (truth->pinned != NULL && !job->object.gone && job->object.deleted_ns == 0 && !ended &&
            name_eq(truth->pinned->of_uid, revision->of_uid) &&
            truth->pinned->number == revision->number)
            return true;
    }
    return false;
}

void revision_delete(struct world *world, struct request *request, struct sim_revision *revision)
{
    if (request->uid == NULL)
        violation(world, "I7", "delete of revision %s without a uid", request->name);
    if (revision == NULL)
        return;
    if (is_used(world, revision))
        violation(world, "revisions", "%s is deleted while a live job has it", request->name);
    world->counters.revisions_deleted++;
    store_delete(world, &revision->object);
}

void definition_told(struct world *world, const struct request *request)
{
    struct sim_definition *definition =
        store_find(world, KIND_DEFINITION, request->namespace_, request->name);
    char version[24];
    if (definition == NULL || !name_eq(definition->object.uid, request->uid))
        return;
    snprintf(version, sizeof(version), "%llu", (unsigned long long)definition->object.version);
    if (!name_eq(version, request->resource_version))
        return; /* a conflict */
    definition->told_hash = request->told_hash;
    definition->told_latest = request->number;
    definition->told_runs = request->told_runs;
}

/* --- The oracle --------------------------------------------------------------------------------
 */

static const struct sim_revision *find(const struct world *world, const char *namespace_,
                                       const char *ref, const char *of_uid)
{
    const struct store *store = &world->stores[KIND_REVISION];
    int64_t number = 0;
    definition_ref_read(ref, &number);
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_revision *revision = (const struct sim_revision *)store->items[i];
        if (revision->number == number && name_eq(revision->of_uid, of_uid) &&
            name_eq(revision->object.namespace_, namespace_))
            return revision;
    }
    return NULL;
}

void revision_heard(struct world *world, const struct sim_job *job)
{
    const struct watch *watch = &world->watches[KIND_DEFINITION];
    struct truth *truth = job->truth;
    const struct job_status *told = job->status != NULL ? &job->status->status : NULL;
    /* Nobody who lives has told it, but now one goes on with it. */
    if (truth->pinned == NULL && !world->synced && told != NULL && told->definition != NULL)
        oracle_pinned(world, truth->job, told->definition, told->definition_uid);
    truth->heard_by = world->process;
    truth->heard_definition = NULL;
    for (size_t i = 0; job->definition_name != NULL && i < watch->known_count; i++) {
        const struct object *known = watch->known[i].copy;
        if (strcmp(known->name, job->definition_name) == 0 &&
            strcmp(known->namespace_, job->object.namespace_) == 0)
            truth->heard_definition = (const struct sim_definition *)(const void *)known;
    }
}

/* Of one that is not there any more nobody knows. */
static bool definition_was_deregistered(const struct world *world, const struct sim_job *job,
                                        const char *uid)
{
    const struct sim_definition *definition =
        store_find(world, KIND_DEFINITION, job->object.namespace_, job->definition_name);
    return definition == NULL || !name_eq(definition->object.uid, uid) ||
           definition->was_deregistered;
}

/* It may be newer than what was known then. Where revisions are deregistered an older one may be
 * the newest that can be had. */
void oracle_newest(struct world *world, const struct sim_job *job, const char *ref,
                   const char *of_uid)
{
    const struct truth *truth = job->truth;
    const struct sim_definition *heard = truth->heard_definition;
    if (truth->pinned != NULL || truth->heard_by != world->process || heard == NULL ||
        ref == NULL || job->definition_number != 0 || !name_eq(heard->object.uid, of_uid) ||
        definition_was_deregistered(world, job, of_uid))
        return;
    const struct sim_revision *given = find(world, job->object.namespace_, ref, of_uid);
    if (given == NULL || given->object.version > heard->edited || given->again > heard->edited)
        return;
    AUTO_TEXT is = content_text(&given->template_, given->attempts, &given->needs, given->nodes);
    AUTO_TEXT was = content_text(&heard->template_, heard->attempts, &heard->needs, heard->nodes);
    if (strcmp(is, was) != 0)
        violation(world, "revisions", "%s has %s, which its definition was before: %s, not %s",
                  job->object.name, ref, is, was);
}

void oracle_pinned(struct world *world, struct sim_job *job, const char *ref, const char *of_uid)
{
    struct truth *truth = job->truth;
    if (ref == NULL && truth->pinned != NULL) {
        violation(world, "revisions", "%s forgets that it has %s:%lld", job->object.name,
                  truth->pinned->of_name, (long long)truth->pinned->number);
        return;
    }
    if (ref == NULL)
        return;
    int64_t number = 0;
    definition_ref_read(ref, &number);
    if (truth->pinned != NULL) {
        if (truth->pinned->number != number || !name_eq(truth->pinned->of_uid, of_uid))
            violation(world, "revisions", "%s has %s:%lld, and now %s", job->object.name,
                      truth->pinned->of_name, (long long)truth->pinned->number, ref);
        return;
    }
    const struct sim_revision *revision = find(world, job->object.namespace_, ref, of_uid);
    if (revision == NULL && job->object.gone)
        return; /* a create that was on its way when its job went, and then its revision */
    if (revision == NULL) {
        violation(world, "revisions", "%s has %s, which is not stored", job->object.name, ref);
        return;
    }
    if (job->definition_name == NULL || !name_eq(revision->of_name, job->definition_name) ||
        (job->definition_number != 0 && job->definition_number != number))
        violation(world, "revisions", "%s has %s, which it did not ask for", job->object.name, ref);
    truth->pinned = revision;
    truth->pinned_ns = world->now_ns;
    if (!job->overridden)
        job->template_ = revision->template_;
    job->base = revision->template_;
    job->template_.assisted = job->base.assisted;
    if (!job->own_needs)
        job->needs = revision->needs;
    world->counters.revisions_kept += revision->number > 1;
}

void oracle_revision_sent(struct world *world, const struct request *request,
                          const struct sim_job *job)
{
    if (job->definition_name == NULL)
        return;
    const struct sim_revision *revision =
        request->revision != NULL
            ? find(world, job->object.namespace_, request->revision, request->revision_of)
            : NULL;
    if (revision == NULL)
        violation(world, "revisions", "create %s of %s, which is not stored", request->name,
                  request->revision != NULL ? request->revision : "no revision");
    else if (!job->overridden && !job->gang &&
             (request->template_.cpu_milli != revision->template_.cpu_milli ||
              request->template_.memory_mib != revision->template_.memory_mib))
        violation(world, "revisions", "create %s is not made of %s", request->name,
                  request->revision);
}

bool revision_assisted(const struct world *world, const struct request *request,
                       const struct sim_job *job)
{
    if (job->definition_name == NULL || request->revision == NULL)
        return job->base.assisted;
    const struct sim_revision *revision =
        find(world, job->object.namespace_, request->revision, request->revision_of);
    return revision != NULL && revision->template_.assisted;
}

int64_t revision_attempts(const struct sim_job *job)
{
    return job->truth->pinned != NULL ? job->truth->pinned->attempts : 0;
}

/* It may have named what is not there any more, or what nobody may have. */
bool revision_may_be_missing(const struct world *world, const struct sim_job *job)
{
    return job->definition_name != NULL && job->truth->pinned == NULL &&
           (job->definition_number != 0 || world->counters.deregistrations > 0);
}

const struct template_ *revision_template(const struct world *world, const struct sim_job *job)
{
    if (job->definition_name == NULL || job->truth->pinned != NULL)
        return &job->template_;
    const struct sim_definition *definition =
        store_find(world, KIND_DEFINITION, job->object.namespace_, job->definition_name);
    if (definition == NULL || job->definition_number != 0)
        return NULL;
    return job->overridden ? &job->template_ : &definition->template_;
}

static const char *definition_unconverged(struct world *world,
                                          const struct sim_definition *definition)
{
    const struct store *store = &world->stores[KIND_REVISION];
    const struct sim_revision *newest = NULL;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_revision *revision = (const struct sim_revision *)store->items[i];
        if (name_eq(revision->of_uid, definition->object.uid) &&
            (newest == NULL || revision->number > newest->number))
            newest = revision;
    }
    AUTO_TEXT now = content_text(&definition->template_, definition->attempts, &definition->needs,
                                 definition->nodes);
    AUTO_TEXT kept = newest != NULL ? content_text(&newest->template_, newest->attempts,
                                                   &newest->needs, newest->nodes)
                                    : NULL;
    if (newest == NULL || !name_eq(now, kept))
        return arena_printf(world->arena, "definition %s/%s is not stored as it is",
                            definition->object.namespace_, definition->object.name);
    if (definition->told_latest != newest->number)
        return arena_printf(world->arena, "definition %s/%s is told to be %lld, not %lld",
                            definition->object.namespace_, definition->object.name,
                            (long long)definition->told_latest, (long long)newest->number);
    return NULL;
}

/* How many newer ones of the same definition there are. */
static int64_t rank_of(const struct world *world, const struct sim_revision *revision)
{
    const struct store *store = &world->stores[KIND_REVISION];
    int64_t rank = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_revision *other = (const struct sim_revision *)store->items[i];
        rank += name_eq(other->of_uid, revision->of_uid) && other->number > revision->number;
    }
    return rank;
}

const char *revisions_unconverged(struct world *world)
{
    const struct store *definitions = &world->stores[KIND_DEFINITION];
    for (size_t i = 0; i < definitions->count; i++) {
        const char *why =
            definition_unconverged(world, (const struct sim_definition *)definitions->items[i]);
        if (why != NULL)
            return why;
    }
    for (size_t i = 0; i < world->stores[KIND_REVISION].count; i++) {
        const struct sim_revision *revision =
            (const struct sim_revision *)world->stores[KIND_REVISION].items[i];
        const struct sim_definition *of =
            store_find(world, KIND_DEFINITION, revision->object.namespace_, revision->of_name);
        bool there = of != NULL && name_eq(of->object.uid, revision->of_uid);
        if (!is_used(world, revision) && (!there || rank_of(world, revision) > of->history_limit))
            return arena_printf(world->arena, "revision %s is left behind", revision->object.name);
    }
    return NULL;
}
