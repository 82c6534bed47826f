/* SPDX-License-Identifier: Apache-2.0 */
/* world_server.c - the API server: what there is, and what actions do to it
 *
 * Actions take effect when they are carried out; their answers, and what a watch would show, are
 * delivered after the plan. Containers do as the script says; a pod that is told to go stops at
 * once. */
#include "core/world_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void event(struct world *world, struct event *event_)
{
    event_->now_ns = world->now_ns;
    core_apply(world->core, event_);
}

/* ----------------------------------------------------------------------- things */

struct thing *thing_find(struct world *world, const char *kind, const char *name)
{
    for (struct thing *thing = world->things; thing != NULL; thing = thing->next) {
        if (strcmp(thing->kind, kind) == 0 && strcmp(thing->name, name) == 0)
            return thing;
    }
    return NULL;
}

static bool is_namespaced(const char *kind)
{
    return strcmp(kind, "job") == 0 || strcmp(kind, "definition") == 0 ||
           strcmp(kind, "daemonset") == 0 || strcmp(kind, "revision") == 0 ||
           strcmp(kind, "service") == 0;
}

static struct thing *thing_new(struct world *world, const char *kind, const char *name)
{
    struct thing *thing = mem_new(sizeof(*thing));
    struct thing **last = world->tail != NULL ? &world->tail->next : &world->things;
    *last = world->tail = thing;
    thing->kind = text_copy(kind);
    thing->name = text_copy(name);
    thing->created_ns = world->now_ns - world->now_ns % NS_PER_S;
    thing->words = text_copy("");
    if (strcmp(kind, "job") == 0)
        thing->uid = text_printf("%08u-uid", ++world->job_count);
    else if (strcmp(kind, "definition") == 0)
        thing->uid = text_printf("u%u-%s", ++world->definition_count, name);
    else if (strcmp(kind, "node") == 0 || strcmp(kind, "revision") == 0 ||
             strcmp(kind, "service") == 0)
        thing->uid = text_printf("uid-%s-%" PRId64, name, world->version);
    else
        thing->uid = text_printf("uid-%s", name);
    thing->finalizer = strcmp(kind, "queue") == 0 || strcmp(kind, "environment") == 0 ||
                       strcmp(kind, "consumable") == 0;
    return thing;
}

/* Declares it, or changes what is there: of two words for one thing the later holds. */
struct thing *thing_put(struct world *world, const char *kind, const struct line *line)
{
    struct thing *thing = thing_find(world, kind, line->words[1]);
    bool fresh = thing == NULL;
    if (fresh)
        thing = thing_new(world, kind, line->words[1]);
    AUTO_STR words = STR_EMPTY;
    str_add(&words, thing->words);
    for (size_t i = 2; i < line->count; i++) {
        str_add(&words, " ");
        for (const char *c = line->words[i]; *c != '\0'; c++)
            str_add_bytes(&words, *c == ' ' ? "~" : c, 1);
    }
    text_set(&thing->words, str_text(&words));
    if (line_get(line, "parent") != NULL) { /* the one of that name now, for good */
        const struct thing *parent = thing_find(world, kind, line_get(line, "parent"));
        text_set(&thing->parent_uid, parent != NULL ? parent->uid : NULL);
    }
    thing->generation++;
    thing->version = ++world->version;
    if (fresh && is_namespaced(kind))
        text_set(&thing->namespace_, strcmp(kind, "environment") != 0 &&
                                             strcmp(kind, "queue") != 0 &&
                                             line_get(line, "ns") != NULL
                                         ? line_get(line, "ns")
                                         : "default");
    if (fresh && line_get(line, "created") != NULL)
        thing->created_ns = WORLD_EPOCH_NS + line_ns(line_get(line, "created"));
    return thing;
}

void thing_free(struct thing *thing)
{
    free(thing->kind);
    free(thing->name);
    free(thing->namespace_);
    free(thing->words);
    free(thing->uid);
    free(thing->parent_uid);
    free(thing->shares_used);
    queue_cost_done(&thing->cost);
    free(thing->array_data);
    free(thing->array_encoding);
    free(thing->array_refusals);
    text_list_done(&thing->claims);
    free(thing->array_results);
    free(thing->array_inputs);
    for (size_t i = 0; i < thing->interruption_count; i++)
        free(thing->interruptions[i].type);
    free(thing->array_history);
    job_status_done(&thing->status);
    free(thing);
}

static void event_gone(struct world *world, enum event_kind kind, const struct thing *thing)
{
    event(world, &(struct event){.kind = kind,
                                 .namespace_ = thing->namespace_,
                                 .name = thing->name,
                                 .uid = thing->uid});
}

void thing_gone(struct world *world, struct thing *thing)
{
    static const struct {
        const char *kind;
        enum event_kind event;
    } kinds[] = {
        {"job", EVENT_JOB_GONE},
        {"queue", EVENT_QUEUE_GONE},
        {"environment", EVENT_ENVIRONMENT_GONE},
        {"definition", EVENT_DEFINITION_GONE},
        {"revision", EVENT_REVISION_GONE},
        {"service", EVENT_SERVICE_GONE},
        {"node", EVENT_NODE_GONE},
        {"daemonset", EVENT_DAEMON_SET_GONE},
        {"runtimeclass", EVENT_RUNTIME_CLASS_GONE},
        {"consumable", EVENT_CONSUMABLE_GONE},
        {"policy", EVENT_POLICY_GONE},
    };
    struct thing *before = NULL;
    if (strcmp(thing->kind, "job") == 0)
        services_orphaned(world, thing);
    for (struct thing **link = &world->things; *link != NULL; link = &(*link)->next) {
        if (*link == thing) {
            *link = thing->next;
            break;
        }
        before = *link;
    }
    if (world->tail == thing)
        world->tail = before;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].kind, thing->kind) == 0)
            event_gone(world, kinds[i].event, thing);
    }
    for (struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        if (pod->job == thing)
            pod->job = NULL;
        if (strcmp(thing->kind, "node") == 0 && text_eq(pod->node, thing->name) && !is_over(pod)) {
            pod->lost = true; /* until pod GC comes by */
            pod->end_due_ns = world->now_ns + 40 * NS_PER_S;
        }
    }
    if (world->gone != NULL)
        thing_free(world->gone);
    world->gone = thing;
}

static void show_broken(struct world *world, const struct thing *thing, const char *words)
{
    struct object_meta *meta = mem_new(sizeof(*meta));
    *meta = (struct object_meta){.name = text_copy(thing->name),
                                 .uid = text_copy(thing->uid),
                                 .resource_version = text_printf("%" PRId64, thing->version),
                                 .generation = thing->generation,
                                 .created_ns = thing->created_ns,
                                 .deleted_ns = thing->deleted_ns,
                                 .has_finalizer = thing->finalizer};
    event(world,
          &(struct event){.kind = EVENT_INVALID,
                          .object_kind = thing->kind[0] == 'q' ? "JobQueue" : "ComputeEnvironment",
                          .meta = meta,
                          .message = words});
}

static void show_companion(struct world *world, const struct thing *thing)
{
    if (thing->array_data == NULL)
        return;
    struct array_status *array = mem_new(sizeof(*array));
    array->size = thing->status.array.size;
    array->encoding = text_copy(thing->array_encoding);
    array->data = text_copy(thing->array_data);
    array->refusals = text_copy(thing->array_refusals);
    array->results = text_copy(thing->array_results);
    array->inputs = text_copy(thing->array_inputs);
    array->history = text_copy(thing->array_history);
    event(world, &(struct event){.kind = EVENT_ARRAY_STATE, .uid = thing->uid, .array = array});
}

void thing_show(struct world *world, const struct thing *thing)
{
    const char *kind = thing->kind;
    struct line line;
    line_read(&line, thing->words);
    AUTO_TEXT broken = text_copy(line_get(&line, "broken"));
    struct node_service *service = strcmp(kind, "service") == 0 ? service_from(thing) : NULL;
    line_done(&line);
    if (broken != NULL && broken[0] != '\0')
        show_broken(world, thing, broken);
    else if (strcmp(kind, "job") == 0)
        event(world, &(struct event){.kind = EVENT_JOB, .job = job_from(thing)});
    else if (strcmp(kind, "queue") == 0)
        event(world, &(struct event){.kind = EVENT_QUEUE, .queue = queue_from(thing)});
    else if (strcmp(kind, "environment") == 0)
        event(world,
              &(struct event){.kind = EVENT_ENVIRONMENT, .environment = environment_from(thing)});
    else if (strcmp(kind, "definition") == 0)
        event(world,
              &(struct event){.kind = EVENT_DEFINITION, .definition = definition_from(thing)});
    else if (strcmp(kind, "revision") == 0)
        event(world, &(struct event){.kind = EVENT_REVISION, .definition = definition_from(thing)});
    else if (service != NULL)
        event(world, &(struct event){.kind = EVENT_SERVICE, .service = service});
    else if (strcmp(kind, "node") == 0)
        event(world, &(struct event){.kind = EVENT_NODE, .node = node_from(thing)});
    else if (strcmp(kind, "daemonset") == 0)
        event(world,
              &(struct event){.kind = EVENT_DAEMON_SET, .daemon_set = daemon_set_from(thing)});
    else if (strcmp(kind, "runtimeclass") == 0)
        event(world, &(struct event){.kind = EVENT_RUNTIME_CLASS,
                                     .runtime_class = runtime_class_from(thing)});
    else if (strcmp(kind, "consumable") == 0)
        event(world,
              &(struct event){.kind = EVENT_CONSUMABLE, .consumable = consumable_from(thing)});
    else if (strcmp(kind, "policy") == 0)
        event(world, &(struct event){.kind = EVENT_POLICY, .policy = policy_from(thing)});
    if (strcmp(kind, "job") == 0 && !world->synced)
        show_companion(world, thing);
}

/* ------------------------------------------------------------------------- pods */

char *pod_label(const struct world_pod *pod)
{
    if (pod->job_name == NULL)
        return text_copy(pod->name);
    return pod->is_child ? text_printf("%s/%u", pod->job_name, pod->index)
                         : text_copy(pod->job_name);
}

/* "a", "a/3", "a/3.1": the newest try, or the one that is named; else a pod of that name. */
struct world_pod *pod_named(struct world *world, const char *label)
{
    AUTO_TEXT wanted = text_copy(label);
    char *dot = strchr(wanted, '.');
    unsigned try = 0;
    if (dot != NULL) {
        *dot = '\0';
        try = (unsigned)strtoul(dot + 1, NULL, 10);
    }
    struct world_pod *found = NULL;
    for (struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        AUTO_TEXT name = pod_label(pod);
        if (!pod->gone && strcmp(name, wanted) == 0 && (try == 0 || pod->try == try))
            found = pod;
    }
    return found;
}

void pod_touch(struct world *world, struct world_pod *pod)
{
    pod->dirty = true;
    pod->version = ++world->version;
}

static struct world_pod *pod_add(struct world *world, const char *namespace_, const char *name)
{
    struct world_pod **link = &world->pods;
    while (*link != NULL)
        link = &(*link)->next;
    struct world_pod *pod = *link = mem_new(sizeof(*pod));
    pod->namespace_ = text_copy(namespace_);
    pod->name = text_copy(name);
    pod->created_ns = world->now_ns - world->now_ns % NS_PER_S;
    pod_touch(world, pod);
    pod->uid = text_printf("pod-%" PRId64, pod->version);
    return pod;
}

void pod_put_foreign(struct world *world, const struct line *line)
{
    struct world_pod *pod = pod_add(world, "default", line->words[1]);
    AUTO_STR words = STR_EMPTY;
    for (size_t i = 2; i < line->count; i++)
        str_addf(&words, "%s ", line->words[i]);
    pod->words = str_take(&words);
    pod->node = text_copy(line_get(line, "node"));
    pod->phase = line_has(line, "terminal") ? POD_SUCCEEDED : POD_RUNNING;
    pod->deleted_ns = line_has(line, "terminating") ? world->now_ns : 0;
    pod->finalizer = line_has(line, "held"); /* it was one of ours */
}

static struct world_pod *pod_at(struct world *world, const char *namespace_, const char *name)
{
    for (struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        if (!pod->gone && strcmp(pod->name, name) == 0 && strcmp(pod->namespace_, namespace_) == 0)
            return pod;
    }
    return NULL;
}

void pod_end(struct world *world, struct world_pod *pod, enum pod_phase phase)
{
    pod->phase = phase;
    pod->finished_ns = world->now_ns;
    pod->end_due_ns = 0;
    pod_touch(world, pod);
}

void pod_vanish(struct world *world, struct world_pod *pod)
{
    pod->gone = true;
    pod_touch(world, pod);
}

static void pod_free_record(struct world_pod *pod)
{
    free(pod->namespace_);
    free(pod->name);
    consumable_needs_done(&pod->consumables);
    free(pod->uid);
    free(pod->node);
    free(pod->words);
    free(pod->job_name);
    free(pod->job_uid);
    free(pod->environment);
    free(pod->node_uid);
    free(pod->definition);
    free(pod->definition_uid);
    free(pod->reason);
    free(pod->disruption);
    free(pod->waiting);
    free(pod->waiting_words);
    free(pod->container_reason);
    free(pod->also);
    free(pod->reason_words);
    free(pod->message);
    free(pod->result);
    free(pod->gives_way_to);
    free(pod);
}

/* What the watch of pods brings. */
void pods_show(struct world *world)
{
    for (struct world_pod **link = &world->pods; *link != NULL;) {
        struct world_pod *pod = *link;
        bool dirty = pod->dirty;
        pod->dirty = false;
        if (pod->gone) {
            event(world, &(struct event){.kind = EVENT_POD_GONE,
                                         .namespace_ = pod->namespace_,
                                         .name = pod->name,
                                         .uid = pod->uid});
            *link = pod->next;
            pod_free_record(pod);
            continue;
        }
        if (dirty)
            event(world, &(struct event){.kind = EVENT_POD, .pod = pod_from(pod)});
        link = &pod->next;
    }
}

/* ---------------------------------------------------------------------- answers */

static struct canned *canned_for(struct world *world, const char *action, const char *label)
{
    for (struct canned **link = &world->canned; *link != NULL; link = &(*link)->next) {
        struct canned *canned = *link;
        if (strcmp(canned->action, action) != 0 || strcmp(canned->object, label) != 0)
            continue;
        if (!canned->always)
            *link = canned->next;
        return canned;
    }
    return NULL;
}

static void canned_free(struct canned *canned)
{
    free(canned->action);
    free(canned->object);
    free(canned->result);
    free(canned->words);
    free(canned);
}

static struct answer *answer_add(struct world *world, const struct action *action)
{
    struct answer **link = &world->answers;
    while (*link != NULL)
        link = &(*link)->next;
    struct answer *answer = *link = mem_new(sizeof(*answer));
    answer->id = action->id;
    answer->kind = action->kind;
    answer->environment = text_copy(action->environment);
    return answer;
}

static void answer_free(struct answer *answer)
{
    free(answer->words);
    free(answer->version);
    free(answer->pod);
    free(answer->environment);
    free(answer->token);
    free(answer->revision);
    free(answer->service);
    if (answer->told != NULL)
        instances_done(answer->told);
    free(answer->told);
    free(answer);
}

void answers_drop(struct world *world)
{
    while (world->answers != NULL) {
        struct answer *answer = world->answers;
        world->answers = answer->next;
        answer_free(answer);
    }
}

static void instances_of(struct world *world, const struct answer *answer,
                         struct instances *instances)
{
    for (struct machine *m = world->machines; m != NULL; m = m->next) {
        bool here = strcmp(m->environment, answer->environment) == 0 &&
                    (answer->token == NULL || strcmp(m->token, answer->token) == 0);
        bool hidden = here && m->hidden && answer->kind == ACTION_PROVIDER_OBSERVE;
        m->hidden = m->hidden && !hidden;
        if (here && !hidden)
            instances_add(instances, &(struct instance){.id = m->id,
                                                        .type = m->type,
                                                        .node_name = m->node,
                                                        .zone = m->zone,
                                                        .state = m->state,
                                                        .signal = m->signal,
                                                        .launched_ns = m->launched_ns});
    }
}

static void deliver(struct world *world, struct answer *answer)
{
    struct event done = {.kind = EVENT_DONE,
                         .done = {.action_id = answer->id,
                                  .result = answer->result,
                                  .provider = answer->provider,
                                  .message = answer->words,
                                  .uid = answer->service,
                                  .resource_version = answer->version,
                                  .array_version = answer->version}};
    struct instances instances = {0};
    struct instance_type *types = NULL;
    size_t count = 0;
    if (answer->pod != NULL) {
        struct world_pod *pod = pod_at(world, "default", answer->pod);
        done.done.pod = pod != NULL ? pod_from(pod) : NULL;
    }
    const struct thing *revision =
        answer->revision != NULL ? thing_find(world, "revision", answer->revision) : NULL;
    done.done.definition = revision != NULL ? definition_from(revision) : NULL;
    bool told = answer->provider == PROVIDER_OK || answer->provider == PROVIDER_CAPACITY;
    if (answer->told != NULL) {
        done.done.instances = answer->told;
    } else if (answer->kind == ACTION_PROVIDER_LAUNCH && told) {
        instances_of(world, answer, &instances);
        done.done.instances = &instances;
    } else if (answer->kind == ACTION_PROVIDER_OBSERVE) {
        instances_of(world, answer, &instances);
        done.done.instances = &instances;
    } else if (answer->kind == ACTION_PROVIDER_TYPES) {
        struct line line;
        types_from(environment_word(world, answer->environment, "types", &line), &types, &count);
        offers_from(line_get(&line, "offers"), types, count);
        line_done(&line);
        done.done.types = types;
        done.done.type_count = count;
    }
    event(world, &done);
    instances_done(&instances);
    for (size_t i = 0; i < count; i++)
        instance_type_done(&types[i]);
    free(types);
}

static void things_sweep(struct world *world)
{
    for (struct thing *thing = world->things, *next; thing != NULL; thing = next) {
        next = thing->next;
        bool guarded = strcmp(thing->kind, "node") != 0;
        bool dirty = thing->dirty;
        thing->dirty = false;
        if (thing->deleted_ns != 0 && (!guarded || (dirty && !thing->finalizer)))
            thing_gone(world, thing);
        else if (dirty)
            thing_show(world, thing);
    }
}

bool answer_arrive(struct world *world)
{
    struct answer *answer = STEAL(world->late_answer);
    if (answer == NULL)
        return false;
    deliver(world, answer);
    answer_free(answer);
    return true;
}

void answers_deliver(struct world *world)
{
    while (world->answers != NULL) {
        struct answer *answer = world->answers;
        world->answers = answer->next;
        deliver(world, answer);
        answer_free(answer);
    }
    things_sweep(world);
    pods_show(world);
}

/* ---------------------------------------------------------------------- actions */

static enum done_result result_of(const char *word)
{
    static const struct {
        const char *word;
        enum done_result result;
    } words[] = {
        {"ok", DONE_OK},
        {"exists", DONE_EXISTS},
        {"missing", DONE_NOT_FOUND},
        {"conflict", DONE_CONFLICT},
        {"refused", DONE_REFUSED},
        {"quota", DONE_QUOTA},
        {"forbidden", DONE_FORBIDDEN},
        {"again", DONE_AGAIN},
        {"unknown", DONE_UNKNOWN},
        {"lost", DONE_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].result;
    }
    return DONE_AGAIN;
}

static enum provider_result provider_of(const char *word)
{
    return strcmp(word, "capacity") == 0  ? PROVIDER_CAPACITY
           : strcmp(word, "invalid") == 0 ? PROVIDER_INVALID
           : strcmp(word, "ok") == 0      ? PROVIDER_OK
                                          : PROVIDER_AGAIN;
}

static void store_status(struct world *world, struct thing *thing, const struct action *action)
{
    struct batch_job *copy; /* job_from copies a status deeply: lend it this one */
    struct thing lender = *thing;
    struct array_status *packed = &lender.status.array;
    lender.status = *action->status;
    lender.has_status = true;
    if (lender.status.nodes.size > 0)
        packed = &lender.status.nodes;
    if (action->children != NULL)
        array_status_pack(packed, action->children, action->refusals, action->history);
    AUTO_TEXT encoding = packed->encoding;
    AUTO_TEXT data = packed->data;
    AUTO_TEXT refusals = packed->refusals;
    AUTO_TEXT history = packed->history;
    copy = job_from(&lender);
    job_status_done(&thing->status);
    thing->status = copy->status;
    copy->status = (struct job_status){0};
    batch_job_free(copy);
    thing->has_status = true;
    thing->version = ++world->version;
    struct array_status *array = &thing->status.array;
    size_t bytes = data != NULL ? strlen(data) : 0;
    bytes += array->results != NULL ? strlen(array->results) : 0;
    bytes += array->inputs != NULL ? strlen(array->inputs) : 0;
    if (bytes > JOB_STATE_INLINE_MAX) { /* as a companion keeps it */
        text_set(&thing->array_data, data);
        text_set(&thing->array_encoding, encoding);
        text_set(&thing->array_refusals, refusals);
        text_set(&thing->array_history, history);
        text_set(&array->data, NULL);
        text_set(&array->encoding, NULL);
        text_set(&array->refusals, NULL);
        free(thing->array_results);
        thing->array_results = STEAL(array->results);
        free(thing->array_inputs);
        thing->array_inputs = STEAL(array->inputs);
        text_set(&array->history, NULL);
    }
}

static enum done_result write_status(struct world *world, const struct action *action,
                                     struct answer *answer)
{
    struct thing *thing = thing_find(world, "job", action->name);
    if (thing == NULL || strcmp(thing->uid, action->uid) != 0)
        return DONE_NOT_FOUND;
    AUTO_TEXT version = text_printf("%" PRId64, thing->version);
    if (!text_eq(version, action->resource_version))
        return DONE_CONFLICT;
    store_status(world, thing, action);
    answer->version = text_printf("%" PRId64, thing->version);
    return DONE_OK;
}

/* As the API server's admission: what a RuntimeClass takes is the pod's from then on. */
static char *admitted_words(struct world *world, const char *words)
{
    struct line line;
    line_read(&line, words);
    const char *name = line_get(&line, "runtime");
    const struct thing *runtime = name != NULL ? thing_find(world, "runtimeclass", name) : NULL;
    char *result = NULL;
    if (runtime == NULL) {
        result = text_copy(words);
    } else {
        struct line more;
        line_read(&more, runtime->words);
        result = text_printf("%s cpu=%" PRId64 "m", words,
                             line_milli(&line, "cpu") + line_milli(&more, "cpu"));
        line_done(&more);
    }
    line_done(&line);
    return result;
}

static enum done_result create(struct world *world, const struct action *action,
                               struct answer *answer)
{
    if (pod_at(world, action->namespace_, action->name) != NULL)
        return DONE_EXISTS;
    const struct pod_order *order = &action->order;
    struct thing *job = thing_find(world, "job", order->job->meta.name);
    struct world_pod *pod = pod_add(world, action->namespace_, action->name);
    const struct thing *template_ =
        order->definition != NULL ? thing_find(world, "revision", order->definition->meta.name)
                                  : job;
    const struct placement *asked = &order->template_->placement;
    AUTO_TEXT words =
        order->job->overrides.json == NULL
            ? text_copy(template_ != NULL ? template_->words : "")
            : text_printf("cpu=%lldm memory=%lld runtime=%s", (long long)asked->requests.cpu_milli,
                          (long long)asked->requests.memory_bytes,
                          asked->runtime_class != NULL ? asked->runtime_class : "");
    pod->words = admitted_words(world, words);
    pod->job = job;
    pod->is_child = order->array_size > 0 || order->job->array_size.set || order->nodes != NULL;
    pod->job_name = text_copy(order->job->meta.name);
    pod->job_uid = text_copy(order->job->meta.uid);
    pod->node = text_copy(order->node_name);
    pod->node_uid = text_copy(order->node_uid);
    pod->environment = text_copy(order->environment);
    if (order->definition != NULL) {
        pod->definition = revision_label(order->definition, order->definition->revision);
        pod->definition_uid = text_copy(order->definition->of_uid);
    }
    pod->finalizer = true;
    pod->index = order->index;
    pod->try = order->try;
    pod->attempt = order->attempt;
    pod->price = order->price;
    struct line line;
    line_read(&line, template_ != NULL ? template_->words : "");
    needs_from(&line, &pod->consumables);
    line_done(&line);
    line_read(&line, job != NULL ? job->words : "");
    if (line_get(&line, "takes") != NULL) {
        consumable_needs_done(&pod->consumables);
        needs_from(&line, &pod->consumables);
    }
    const char *runs = line_get(&line, "runs");
    if (runs != NULL) {
        pod->phase = POD_RUNNING;
        pod->started_ns = world->now_ns;
        pod->end_due_ns = world->now_ns + line_ns(runs);
    }
    line_done(&line);
    answer->pod = text_copy(action->name);
    return DONE_OK;
}

static enum done_result release(struct world *world, const struct action *action)
{
    struct world_pod *pod = pod_at(world, action->namespace_, action->name);
    if (pod == NULL || !text_eq(pod->uid, action->uid))
        return DONE_NOT_FOUND;
    pod->finalizer = false;
    pod_touch(world, pod);
    if (pod->deleted_ns != 0)
        pod->gone = true;
    return DONE_OK;
}

static enum done_result mark(struct world *world, const struct action *action)
{
    struct world_pod *pod = pod_at(world, action->namespace_, action->name);
    if (pod == NULL || !text_eq(pod->uid, action->uid))
        return DONE_NOT_FOUND;
    AUTO_TEXT version = text_printf("%" PRId64, pod->version);
    if (!text_eq(version, action->resource_version))
        return DONE_CONFLICT;
    text_set(&pod->gives_way_to, action->message);
    pod_touch(world, pod);
    return DONE_OK;
}

static enum done_result delete_pod(struct world *world, const struct action *action)
{
    struct world_pod *pod = pod_at(world, action->namespace_, action->name);
    if (pod == NULL || !text_eq(pod->uid, action->uid))
        return DONE_NOT_FOUND;
    pod->deleted_ns = world->now_ns;
    pod->gone = !pod->finalizer && (action->grace_s == 0 || is_over(pod));
    pod_touch(world, pod);
    if (is_over(pod) || pod->gone || pod->node == NULL ||
        thing_find(world, "node", pod->node) == NULL)
        return DONE_OK;
    pod->exited = pod->started_ns != 0;
    pod->exit_code = 143;
    pod_end(world, pod, POD_FAILED); /* its kubelet stops it */
    return DONE_OK;
}

/* things_sweep shows it gone when the plan has been carried out. */
static enum done_result delete_job(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world, "job", action->name);
    if (thing == NULL || !text_eq(thing->uid, action->uid))
        return DONE_NOT_FOUND;
    thing->deleted_ns = world->now_ns;
    thing->dirty = true;
    return DONE_OK;
}

static enum done_result finalizer(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world,
                                     action->object_kind[0] == 'J'   ? "queue"
                                     : action->object_kind[2] == 'n' ? "consumable"
                                                                     : "environment",
                                     action->name);
    if (thing == NULL)
        return DONE_NOT_FOUND;
    thing->finalizer = action->add;
    thing->version = ++world->version;
    thing->dirty = true;
    return DONE_OK;
}

static enum done_result queue_told(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world, "queue", action->name);
    if (thing == NULL)
        return DONE_NOT_FOUND;
    thing->draining_since_ns = action->queue_status->draining_since_ns;
    queue_cost_done(&thing->cost);
    thing->cost = action->queue_status->cost;
    thing->cost.shares = share_costs_copy(thing->cost.shares, thing->cost.share_count);
    return DONE_OK;
}

/* What carrying it out does to the server. */
static void carry_out(struct world *world, const struct action *action, struct answer *answer)
{
    switch (action->kind) {
    case ACTION_POD_CREATE:
        answer->result = create(world, action, answer);
        break;
    case ACTION_POD_GET:
        answer->pod = text_copy(action->name);
        if (pod_at(world, action->namespace_, action->name) == NULL)
            answer->result = DONE_NOT_FOUND;
        break;
    case ACTION_POD_MARK:
        answer->result = mark(world, action);
        break;
    case ACTION_POD_RELEASE:
        answer->result = release(world, action);
        break;
    case ACTION_POD_DELETE:
        answer->result = delete_pod(world, action);
        break;
    case ACTION_JOB_STATUS:
        answer->result = write_status(world, action, answer);
        break;
    case ACTION_CONSUMABLE_STATUS:
        answer->result = consumable_write(world, action, answer);
        break;
    case ACTION_JOB_DELETE:
        answer->result = delete_job(world, action);
        break;
    case ACTION_JOB_TOLD:
        answer->result = write_delivered(world, action, answer);
        break;
    case ACTION_FINALIZER:
        answer->result = finalizer(world, action);
        break;
    case ACTION_QUEUE_STATUS:
        answer->result = queue_told(world, action);
        shares_write(world, action);
        break;
    case ACTION_ENVIRONMENT_STATUS:
        answer->result = environment_told(world, action);
        break;
    case ACTION_DEFINITION_STATUS:
        answer->result = definition_told(world, action, answer);
        break;
    case ACTION_REVISION_CREATE:
        answer->result = revision_create(world, action, answer);
        break;
    case ACTION_REVISION_DELETE:
        answer->result = revision_delete(world, action);
        break;
    case ACTION_SERVICE_CREATE:
        answer->result = service_create(world, action, answer);
        break;
    case ACTION_SERVICE_DELETE:
        answer->result = service_delete(world, action);
        break;
    case ACTION_PROVIDER_LAUNCH:
        answer->token = text_copy(action->token);
        answer->provider = machines_launch(world, action);
        break;
    case ACTION_PROVIDER_TERMINATE:
        machines_terminate(world, action);
        break;
    default:
        break;
    }
}

static void answer_take_out(struct world *world, const struct answer *answer)
{
    struct answer **link = &world->answers;
    while (*link != answer)
        link = &(*link)->next;
    *link = answer->next;
}

/* It names the machines as they are now, whenever it comes. */
static void answer_hold_back(struct world *world, struct answer *answer)
{
    answer->told = mem_new(sizeof(*answer->told));
    instances_of(world, answer, answer->told);
    answer_take_out(world, answer);
    world->late_answer = answer;
}

void act(struct world *world, const struct action *action)
{
    if (action->kind == ACTION_EVENT)
        return;
    AUTO_TEXT label = action_label(world, action);
    struct canned *canned = canned_for(world, action_kind_name(action->kind), label);
    const char *word = canned != NULL ? canned->result : "ok";
    struct answer *answer = answer_add(world, action);
    bool late = strcmp(word, "late") == 0;
    if (strcmp(word, "ok") == 0 || strcmp(word, "lost") == 0 || late)
        carry_out(world, action, answer);
    if (late && action->kind == ACTION_PROVIDER_LAUNCH) {
        answer_hold_back(world, answer);
        canned_free(canned);
        return;
    }
    if (late)
        pod_hold_back(world);
    if (canned != NULL && strcmp(word, "ok") != 0) {
        bool provider = action->environment != NULL && action->kind >= ACTION_PROVIDER_TYPES;
        answer->result = provider ? DONE_OK : result_of(word);
        answer->provider = provider ? provider_of(word) : PROVIDER_OK;
        text_set(&answer->pod, NULL);
        text_set(&answer->revision, NULL);
        text_set(&answer->service, NULL);
        text_set(&answer->words, canned->words);
    }
    if (strcmp(word, "never") == 0 || late) { /* drops it: nobody will ever be told */
        answer_take_out(world, answer);
        answer_free(answer);
    }
    if (canned != NULL && !canned->always)
        canned_free(canned);
}

/* ---------------------------------------------------------------------- the end */

void server_free(struct world *world)
{
    answers_drop(world);
    if (world->late != NULL)
        pod_free_record(world->late);
    if (world->late_answer != NULL)
        answer_free(world->late_answer);
    if (world->gone != NULL)
        thing_free(world->gone);
    while (world->things != NULL) {
        struct thing *thing = world->things;
        world->things = thing->next;
        thing_free(thing);
    }
    while (world->pods != NULL) {
        struct world_pod *pod = world->pods;
        world->pods = pod->next;
        pod_free_record(pod);
    }
    while (world->machines != NULL)
        machine_remove(world, world->machines);
    while (world->canned != NULL) {
        struct canned *canned = world->canned;
        world->canned = canned->next;
        canned_free(canned);
    }
}
