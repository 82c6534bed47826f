/* SPDX-License-Identifier: Apache-2.0 */
/* world_text.c - words of a line; declarations as the typed objects that the core takes */
#include "core/world_parts.h"

#include "bulkhead/base/quantity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------ words */

void line_read(struct line *line, const char *text)
{
    *line = (struct line){.text = text_copy(text)};
    char *rest = line->text;
    char *word;
    while ((word = strsep(&rest, " ")) != NULL) {
        if (word[0] == '\0')
            continue;
        assert(line->count < ARRAY_LEN(line->words));
        line->words[line->count++] = word;
        for (char *c = word; *c != '\0'; c++) {
            if (*c == '~')
                *c = ' ';
        }
    }
}

void line_done(struct line *line)
{
    free(line->text);
}

const char *line_get(const struct line *line, const char *key)
{
    size_t size = strlen(key);
    for (size_t i = line->count; i > 0; i--) {
        const char *word = line->words[i - 1];
        if (strncmp(word, key, size) == 0 && word[size] == '=')
            return word + size + 1;
    }
    return NULL;
}

bool line_has(const struct line *line, const char *word)
{
    for (size_t i = 0; i < line->count; i++) {
        if (strcmp(line->words[i], word) == 0)
            return true;
    }
    return false;
}

/* Of two words that exclude each other the last one holds. */
static bool line_is(const struct line *line, const char *yes, const char *no, bool otherwise)
{
    for (size_t i = line->count; i > 0; i--) {
        if (strcmp(line->words[i - 1], yes) == 0)
            return true;
        if (strcmp(line->words[i - 1], no) == 0)
            return false;
    }
    return otherwise;
}

int64_t line_ns(const char *text)
{
    char *unit = NULL;
    double value = strtod(text, &unit);
    if (strcmp(unit, "ms") == 0)
        return (int64_t)(value * 1e6);
    if (strcmp(unit, "m") == 0)
        return (int64_t)(value * 60e9);
    return (int64_t)(value * 1e9);
}

static int64_t line_number(const struct line *line, const char *key, int64_t otherwise)
{
    const char *value = line_get(line, key);
    return value != NULL ? strtoll(value, NULL, 10) : otherwise;
}

/* Cuts "a:b:c" into at most max parts; missing ones are NULL. */
static size_t cut(char *text, const char *marks, char **parts, size_t max)
{
    size_t count = 0;
    char *part;
    memset(parts, 0, max * sizeof(*parts));
    while (count < max && (part = strsep(&text, marks)) != NULL)
        parts[count++] = part;
    return count;
}

static void list_from(const char *text, struct text_list *list)
{
    AUTO_TEXT copy = text_copy(text);
    char *parts[64];
    size_t count = copy != NULL ? cut(copy, ",", parts, ARRAY_LEN(parts)) : 0;
    for (size_t i = 0; i < count; i++)
        text_list_add(list, parts[i]);
}

static void pairs_from(const char *text, struct key_values *list)
{
    struct text_list items = {0};
    list_from(text, &items);
    for (size_t i = 0; i < items.count; i++) {
        char *parts[2];
        cut(items.items[i], ":", parts, 2);
        key_values_set(list, parts[0], parts[1] != NULL ? parts[1] : "");
    }
    text_list_done(&items);
}

/* -------------------------------------------------------------------- resources */

static int64_t milli(const char *text, int64_t otherwise)
{
    int64_t value = otherwise;
    struct err err = {0};
    if (text != NULL && quantity_milli(text, &value, &err) < 0)
        abort();
    return value;
}

static int64_t bytes(const char *text, int64_t otherwise)
{
    int64_t value = otherwise;
    struct err err = {0};
    if (text != NULL && quantity_value(text, &value, &err) < 0)
        abort();
    return value;
}

int64_t line_milli(const struct line *line, const char *key)
{
    return milli(line_get(line, key), 0);
}

void resources_from(const struct line *line, struct resources *ret)
{
    struct err err = {0};
    *ret = (struct resources){
        .cpu_milli = line_milli(line, "cpu"),
        .memory_bytes = bytes(line_get(line, "memory"), 0),
        .pods = line_number(line, "pods", 1),
    };
    for (size_t i = 0; i < line->count; i++) {
        char *equals = strchr(line->words[i], '=');
        char *slash = strchr(line->words[i], '/');
        if (equals == NULL || slash == NULL || slash > equals)
            continue;
        AUTO_TEXT name = text_copy_n(line->words[i], (size_t)(equals - line->words[i]));
        resources_set_extended(ret, name, strtoll(equals + 1, NULL, 10), &err);
    }
}

static void affinity_from(const char *text, struct placement *ret)
{
    AUTO_TEXT copy = text_copy(text);
    char *parts[3];
    if (copy == NULL)
        return;
    cut(copy, ":", parts, 3);
    ret->has_affinity = true;
    ret->affinity_count = 1;
    ret->affinity = mem_new(sizeof(*ret->affinity));
    ret->affinity->expression_count = 1;
    ret->affinity->expressions = mem_new(sizeof(*ret->affinity->expressions));
    struct node_requirement *wanted = ret->affinity->expressions;
    wanted->key = text_copy(parts[0]);
    wanted->operator_ = text_copy(parts[1]);
    char *values[8];
    size_t count = parts[2] != NULL ? cut(parts[2], "|", values, ARRAY_LEN(values)) : 0;
    for (size_t i = 0; i < count; i++)
        text_list_add(&wanted->values, values[i]);
}

static void ports_from(const char *text, int32_t **ret_ports, size_t *ret_count)
{
    if (text == NULL)
        return;
    *ret_ports = mem_new(sizeof(**ret_ports));
    **ret_ports = (int32_t)strtol(text, NULL, 10);
    *ret_count = 1;
}

static const char *field_that_needs_scheduler(const char *word)
{
    static const char *const fields[] = {SCHEDULER_VOLUMES, "resourceClaims",
                                         "affinity.podAntiAffinity"};
    for (size_t i = 0; word != NULL && i < ARRAY_LEN(fields); i++) {
        if (strcmp(word, fields[i]) == 0)
            return fields[i];
    }
    return NULL;
}

static void placement_from(const struct line *line, struct placement *ret)
{
    *ret = (struct placement){0};
    resources_from(line, &ret->requests);
    pairs_from(line_get(line, "select"), &ret->node_selector);
    affinity_from(line_get(line, "affinity"), ret);
    ports_from(line_get(line, "port"), &ret->host_ports, &ret->host_port_count);
    ret->runtime_class = text_copy(line_get(line, "runtime"));
    ret->scheduler = field_that_needs_scheduler(line_get(line, "needs"));
    ret->apart = line_has(line, "apart");
    struct key_values tolerated = {0};
    pairs_from(line_get(line, "tolerate"), &tolerated);
    ret->tolerations.items = mem_new((tolerated.count + 1) * sizeof(*ret->tolerations.items));
    ret->tolerations.count = tolerated.count;
    for (size_t i = 0; i < tolerated.count; i++)
        ret->tolerations.items[i] =
            (struct toleration){.key = text_copy(tolerated.items[i].key),
                                .operator_ = text_copy("Equal"),
                                .value = text_copy(tolerated.items[i].value)};
    key_values_done(&tolerated);
}

static void template_from(const struct line *line, struct pod_template *ret)
{
    const char *arg = line_get(line, "arg");
    AUTO_TEXT args = arg != NULL ? text_printf(",\"args\":[\"%s\"]", arg) : text_copy("");
    ret->json =
        text_printf("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"%s}]}}", args);
    placement_from(line, &ret->placement);
}

/* ---------------------------------------------------------------------- objects */

void meta_from(const struct thing *thing, struct object_meta *ret)
{
    *ret = (struct object_meta){
        .name = text_copy(thing->name),
        .namespace_ = text_copy(thing->namespace_),
        .uid = text_copy(thing->uid),
        .resource_version = text_printf("%lld", (long long)thing->version),
        .generation = thing->generation,
        .created_ns = thing->created_ns,
        .deleted_ns = thing->deleted_ns,
        .has_finalizer = thing->finalizer,
    };
}

/* limits=capacity:60s,fit:2m,max:10s */
static void limits_from(const char *text, struct job_queue *queue)
{
    struct key_values pairs = {0};
    pairs_from(text, &pairs);
    for (size_t i = 0; i < pairs.count; i++) {
        const char *word = pairs.items[i].key;
        queue->limits[queue->limit_count++] = (struct time_limit_action){
            .reason = strcmp(word, "capacity") == 0 ? BLOCKED_CAPACITY
                      : strcmp(word, "max") == 0    ? BLOCKED_MAX_RESOURCE
                                                    : BLOCKED_REQUIREMENT,
            .seconds = line_ns(pairs.items[i].value) / NS_PER_S,
        };
    }
    key_values_done(&pairs);
}

static unsigned state_from(const struct line *line)
{
    unsigned state = QUEUE_ENABLED;
    for (size_t i = 0; i < line->count; i++) {
        if (strcmp(line->words[i], "enabled") == 0)
            state = QUEUE_ENABLED;
        if (strcmp(line->words[i], "disabled") == 0)
            state = QUEUE_DISABLED;
        if (strcmp(line->words[i], "draining") == 0)
            state = QUEUE_DRAINING;
    }
    return state;
}

static struct opt_i64 line_opt(const struct line *line, const char *key)
{
    int64_t value = line_number(line, key, -1); /* -1 takes back what an earlier line has set */
    return value >= 0 ? OPT_I64(value) : (struct opt_i64){0};
}

static void most_from(const struct line *line, struct queue_limits *ret)
{
    ret->vcpus = line_opt(line, "most-vcpus");
    ret->memory_bytes = bytes(line_get(line, "most-memory"), 0);
    ret->gpus = line_opt(line, "most-gpus");
    ret->jobs = line_opt(line, "most-jobs");
}

struct job_queue *queue_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct job_queue *queue = mem_new(sizeof(*queue));
    meta_from(thing, &queue->meta);
    queue->state = state_from(&line);
    queue->strategy = line_has(&line, "besteffort") ? QUEUE_BEST_EFFORT
                      : line_has(&line, "backfill") ? QUEUE_BACKFILL
                                                    : QUEUE_FIFO;
    most_from(&line, &queue->most);
    queue->draining_since_ns = thing->draining_since_ns;
    queue->cost = thing->cost;
    queue->cost.shares = share_costs_copy(queue->cost.shares, queue->cost.share_count);
    int64_t settled = line_number(&line, "settled", queue->cost.settled.amount);
    if (settled > queue->cost.settled.amount) {
        queue->cost.all.amount += settled - queue->cost.settled.amount;
        queue->cost.settled.amount = settled;
        queue->cost.settled.mark++;
    }
    if (line_get(&line, "awaits") != NULL) /* "awaits=1": jobs, as another process has told */
        queue->cost.forecast = (struct cost_forecast){.unknown = line_number(&line, "awaits", 0),
                                                      .since_ns = WORLD_EPOCH_NS};
    queue->priority = line_number(&line, "priority", 0);
    struct text_list names = {0};
    list_from(line_get(&line, "envs"), &names);
    queue->environment_count = names.count;
    queue->environments = mem_new((names.count + 1) * sizeof(*queue->environments));
    for (size_t i = 0; i < names.count; i++)
        queue->environments[i] =
            (struct environment_order){(int64_t)i + 1, text_copy(names.items[i])};
    text_list_done(&names);
    list_from(line_get(&line, "ns"), &queue->namespaces);
    queue->policy = text_copy(line_get(&line, "policy"));
    if (queue->policy != NULL && queue->policy[0] == '\0')
        text_set(&queue->policy, NULL);
    queue->shares.at_ns = thing->shares_at_ns;
    queue->shares.active = thing->shares_active;
    queue->shares.used = text_copy(thing->shares_used);
    limits_from(line_get(&line, "limits"), queue);
    if (line_get(&line, "keep") != NULL)
        queue->finished_pods = (struct finished_pods){
            .keep_s = line_ns(line_get(&line, "keep")) / NS_PER_S,
            .per_node = line_number(&line, "most", KEEP_PER_NODE),
        };
    if (line_get(&line, "ttl") != NULL)
        queue->ttl_s = OPT_I64(line_ns(line_get(&line, "ttl")) / NS_PER_S);
    line_done(&line);
    return queue;
}

void types_from(const char *text, struct instance_type **ret_types, size_t *ret_count)
{
    struct text_list items = {0};
    list_from(text, &items);
    *ret_types = mem_new((items.count + 1) * sizeof(**ret_types));
    *ret_count = items.count;
    for (size_t i = 0; i < items.count; i++) {
        char *parts[5];
        cut(items.items[i], ":", parts, 5);
        int64_t vcpus = strtoll(parts[1], NULL, 10);
        (*ret_types)[i] = (struct instance_type){
            .name = text_copy(parts[0]),
            .vcpus = vcpus,
            .capacity = {.cpu_milli = vcpus * 1000,
                         .memory_bytes = bytes(parts[2], 0),
                         .pods = 110},
            .price = parts[3] != NULL ? strtod(parts[3], NULL) : 0,
            .available = parts[4] != NULL ? strtoll(parts[4], NULL, 10) : -1,
            .interruption = -1,
        };
    }
    text_list_done(&items);
}

static enum allocation_strategy strategy_from(const char *word)
{
    static const char *const words[] = {"BEST_FIT", "BEST_FIT_PROGRESSIVE",
                                        "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED",
                                        "LOWEST_PRICE_PACKING"};
    for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i], word) == 0)
            return (enum allocation_strategy)i;
    }
    return ALLOCATE_BEST_FIT_PROGRESSIVE;
}

/* "offers=a:0.02:5:1" tells a's spot price, how many of a hundred are taken back, its GPUs, and two
 * zones at most. */
void offers_from(const char *text, struct instance_type *types, size_t count)
{
    struct text_list items = {0};
    list_from(text, &items);
    for (size_t i = 0; i < items.count; i++) {
        char *parts[6];
        cut(items.items[i], ":", parts, 6);
        for (size_t t = 0; t < count; t++) {
            if (strcmp(types[t].name, parts[0]) != 0)
                continue;
            types[t].spot_price = parts[1] != NULL ? strtod(parts[1], NULL) : 0;
            types[t].interruption = parts[2] != NULL ? strtoll(parts[2], NULL, 10) : -1;
            if (parts[3] != NULL)
                resources_set_extended(&types[t].capacity, "nvidia.com/gpu",
                                       strtoll(parts[3], NULL, 10), NULL);
            for (size_t z = 4; z < ARRAY_LEN(parts) && parts[z] != NULL; z++)
                text_list_add(&types[t].zones, parts[z]);
        }
    }
    text_list_done(&items);
}

struct compute_environment *environment_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct compute_environment *environment = mem_new(sizeof(*environment));
    meta_from(thing, &environment->meta);
    environment->observed_generation = thing->told_generation;
    environment->managed = !line_has(&line, "static");
    environment->cost = thing->charge;
    environment->cost.amount = line_number(&line, "charged", environment->cost.amount);
    environment->interruptions_at_ns = thing->interruptions_at_ns;
    environment->interruption_count = thing->interruption_count;
    environment->interruptions =
        mem_new((thing->interruption_count + 1) * sizeof(*environment->interruptions));
    for (size_t i = 0; i < thing->interruption_count; i++) {
        environment->interruptions[i] = thing->interruptions[i];
        environment->interruptions[i].type = text_copy(thing->interruptions[i].type);
    }
    environment->provider = environment->managed ? PROVIDER_KWOK : PROVIDER_STATIC;
    environment->enabled = line_is(&line, "enabled", "disabled", true);
    environment->spot = line_has(&line, "spot");
    const char *served = line_get(&line, "ns");
    list_from(served != NULL ? served : "default", &environment->namespaces);
    environment->min_vcpus = line_number(&line, "min", 0);
    environment->max_vcpus = line_number(&line, "max", 0);
    environment->allocation_strategy = strategy_from(line_get(&line, "strategy"));
    environment->bid_percentage = line_number(&line, "bid", 100);
    list_from(line_get(&line, "want"), &environment->instance_types);
    const char *delay = line_get(&line, "delay");
    environment->scale_down_delay_ns = delay != NULL ? line_ns(delay) : 600 * NS_PER_S;
    types_from(line_get(&line, "types"), &environment->catalog, &environment->catalog_count);
    offers_from(line_get(&line, "offers"), environment->catalog, environment->catalog_count);
    line_done(&line);
    return environment;
}

static void rule_from(const char *text, struct exit_rule *ret)
{
    struct text_list parts = {0};
    list_from(text, &parts);
    for (size_t i = 0; i < parts.count; i++) {
        const char *part = parts.items[i];
        if (text_starts(part, "reason="))
            text_set(&ret->on_reason, part + strlen("reason="));
        else if (text_starts(part, "status="))
            text_set(&ret->on_status_reason, part + strlen("status="));
        else if (text_starts(part, "exit="))
            text_set(&ret->on_exit_code, part + strlen("exit="));
        else
            ret->retry = strcmp(part, "RETRY") == 0;
    }
    text_list_done(&parts);
}

static bool retry_from(const struct line *line, struct retry_strategy *ret)
{
    bool any = line_get(line, "retry") != NULL;
    if (any)
        ret->attempts = OPT_I64(line_number(line, "retry", 1));
    for (size_t i = 0; i < line->count; i++) {
        if (text_starts(line->words[i], "rule=")) {
            rule_from(line->words[i] + strlen("rule="), &ret->rules[ret->rule_count++]);
            any = true;
        }
    }
    return any;
}

static struct opt_i64 timeout_from(const struct line *line)
{
    const char *timeout = line_get(line, "timeout");
    return timeout != NULL ? OPT_I64(line_ns(timeout) / NS_PER_S) : (struct opt_i64){0};
}

void definition_words(const struct thing *thing, struct job_definition *ret)
{
    struct line line;
    line_read(&line, thing->words);
    meta_from(thing, &ret->meta);
    retry_from(&line, &ret->retry);
    ret->timeout_s = timeout_from(&line);
    template_from(&line, &ret->template_);
    needs_from(&line, &ret->consumables);
    if (line_get(&line, "prio") != NULL)
        ret->scheduling_priority = OPT_I64(line_number(&line, "prio", 0));
    ret->preemptible = line_has(&line, "preemptible");
    ret->invalid = text_copy(line_get(&line, "invalid"));
    if (ret->invalid != NULL && ret->invalid[0] == '\0')
        text_set(&ret->invalid, NULL); /* mended */
    line_done(&line);
}

/* name[:N_TO_N][:OnFailure|:Always|:Hold], or SEQUENTIAL in place of a name. */
static void dependencies_from(const char *text, struct batch_job *job)
{
    struct text_list items = {0};
    list_from(text, &items);
    job->dependency_count = items.count;
    job->dependencies = items.count > 0 ? mem_new(items.count * sizeof(*job->dependencies)) : NULL;
    for (size_t i = 0; i < items.count; i++) {
        char *parts[3];
        size_t count = cut(items.items[i], ":", parts, ARRAY_LEN(parts));
        struct dependency *dependency = &job->dependencies[i];
        if (strcmp(parts[0], "SEQUENTIAL") == 0)
            dependency->type = DEPENDENCY_SEQUENTIAL;
        else
            dependency->job_name = text_copy(parts[0]);
        for (size_t p = 1; p < count; p++) {
            if (strcmp(parts[p], "N_TO_N") == 0)
                dependency->type = DEPENDENCY_N_TO_N;
            else if (strcmp(parts[p], "Hold") == 0)
                dependency->hold = true;
            else
                dependency->condition =
                    strcmp(parts[p], "Always") == 0 ? DEPEND_ALWAYS : DEPEND_ON_FAILURE;
        }
    }
    text_list_done(&items);
}

/* cancel=words and terminate=words, in the order in which they were asked for; "0-3,7:words" names
 * children. */
static void requests_from(const struct line *line, struct batch_job *job)
{
    job->requests = mem_new((line->count + 1) * sizeof(*job->requests));
    for (size_t i = 0; i < line->count; i++) {
        bool cancel = text_starts(line->words[i], "cancel=");
        if (!cancel && !text_starts(line->words[i], "terminate="))
            continue;
        const char *words = strchr(line->words[i], '=') + 1;
        size_t indexes = strspn(words, "0123456789,-");
        bool some = indexes > 0 && words[indexes] == ':';
        job->requests[job->request_count++] = (struct job_request){
            .action = cancel ? JOB_CANCEL : JOB_TERMINATE,
            .reason = text_copy(some ? words + indexes + 1 : words),
            .indexes = some ? text_printf("%.*s", (int)indexes, words) : NULL,
        };
    }
    if (job->request_count > 0)
        return;
    free(job->requests); /* as an object without any is read */
    job->requests = NULL;
}

/* name:value */
static void parameter_from(const char *text, struct key_values *ret)
{
    if (text == NULL)
        return;
    size_t size = strcspn(text, ":");
    AUTO_TEXT name = text_copy_n(text, size);
    key_values_set(ret, name, text + size + 1);
}

static void status_copy(const struct job_status *from, struct job_status *to)
{
    *to = *from;
    to->reason = text_copy(from->reason);
    to->message = text_copy(from->message);
    to->delivered = text_copy(from->delivered);
    to->definition = text_copy(from->definition);
    to->definition_uid = text_copy(from->definition_uid);
    to->request_refused = NULL;
    to->tries = mem_new((from->try_count + 1) * sizeof(*to->tries));
    for (size_t i = 0; i < from->try_count; i++)
        job_try_copy(&to->tries[i], &from->tries[i]);
    to->dependencies = mem_new((from->dependency_count + 1) * sizeof(*to->dependencies));
    for (size_t i = 0; i < from->dependency_count; i++) {
        to->dependencies[i] = from->dependencies[i];
        to->dependencies[i].job_name = text_copy(from->dependencies[i].job_name);
        to->dependencies[i].uid = text_copy(from->dependencies[i].uid);
        to->dependencies[i].replacement = text_copy(from->dependencies[i].replacement);
    }
    to->replaces.job.job_name = text_copy(from->replaces.job.job_name);
    to->replaces.job.uid = text_copy(from->replaces.job.uid);
    to->array.failures = mem_new((from->array.failure_count + 1) * sizeof(*to->array.failures));
    for (size_t i = 0; i < from->array.failure_count; i++) {
        const struct array_failure *one = &from->array.failures[i];
        to->array.failures[i] = *one;
        to->array.failures[i].status_reason = text_copy(one->status_reason);
        to->array.failures[i].reason = text_copy(one->reason);
        to->array.failures[i].indexes = text_copy(one->indexes);
    }
    to->array.encoding = text_copy(from->array.encoding);
    to->array.data = text_copy(from->array.data);
    to->array.refusals = text_copy(from->array.refusals);
    to->array.history = text_copy(from->array.history);
    to->array.failed_indexes = text_copy(from->array.failed_indexes);
    to->array.results = text_copy(from->array.results);
    to->array.inputs = text_copy(from->array.inputs);
    to->result = text_copy(from->result);
    to->nodes.encoding = text_copy(from->nodes.encoding);
    to->nodes.data = text_copy(from->nodes.data);
    to->nodes.refusals = text_copy(from->nodes.refusals);
    to->nodes.failed_indexes = NULL;
    to->references = (struct key_values){NULL, 0};
    for (size_t i = 0; i < from->references.count; i++)
        key_values_set(&to->references, from->references.items[i].key,
                       from->references.items[i].value);
}

struct batch_job *job_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct batch_job *job = mem_new(sizeof(*job));
    meta_from(thing, &job->meta);
    job->queue = text_copy(line_get(&line, "queue"));
    job->definition = text_copy(line_get(&line, "definition"));
    if (line_get(&line, "nodes") != NULL) {
        job->has_nodes = true;
        job->has_node_overrides = line_get(&line, "setnodes") != NULL;
        if (job->has_node_overrides)
            job->node_overrides.num_nodes = OPT_I64(line_number(&line, "setnodes", 1));
        job->nodes.num_nodes = line_number(&line, "nodes", 1);
        job->nodes.main_node = line_number(&line, "main", 0);
        job->nodes.allow_spot = line_has(&line, "allowspot");
        job->nodes.ranges = mem_new(2 * sizeof(*job->nodes.ranges));
        job->nodes.range_count = 1;
        job->nodes.ranges[0].target_nodes = text_copy("0:");
        template_from(&line, &job->nodes.ranges[0].template_);
        if (line_get(&line, "maincpu") != NULL) {
            struct node_range *own = &job->nodes.ranges[job->nodes.range_count++];
            own->target_nodes = text_printf("%lld", (long long)job->nodes.main_node);
            template_from(&line, &own->template_);
            own->template_.placement.requests.cpu_milli = line_number(&line, "maincpu", 1) * 1000;
        }
    }
    job->has_template = job->definition == NULL && !job->has_nodes;
    if (job->has_template)
        template_from(&line, &job->template_);
    job->overrides.json = text_copy(line_get(&line, "overrides"));
    if (line_get(&line, "array") != NULL)
        job->array_size = OPT_I64(line_number(&line, "array", 0));
    job->size_from = text_copy(line_get(&line, "sizefrom"));
    if (line_get(&line, "most") != NULL)
        job->max_concurrent = OPT_I64(line_number(&line, "most", 0));
    dependencies_from(line_get(&line, "after"), job);
    job->replaces = text_copy(line_get(&line, "replaces"));
    job->has_consumables = needs_from(&line, &job->consumables);
    parameter_from(line_get(&line, "param"), &job->parameters);
    job->parent_uid = text_copy(thing->parent_uid);
    job->has_retry = retry_from(&line, &job->retry);
    job->timeout_s = timeout_from(&line);
    if (line_get(&line, "start") != NULL)
        job->start_deadline_s = OPT_I64(line_ns(line_get(&line, "start")) / NS_PER_S);
    if (line_get(&line, "ttl") != NULL)
        job->ttl_s = OPT_I64(line_ns(line_get(&line, "ttl")) / NS_PER_S);
    requests_from(&line, job);
    job->invalid = text_copy(line_get(&line, "invalid"));
    job->share = text_copy(line_get(&line, "share"));
    if (line_get(&line, "prio") != NULL)
        job->scheduling_priority = OPT_I64(line_number(&line, "prio", 0));
    job->has_preemptible = line_has(&line, "preemptible");
    job->preemptible = job->has_preemptible;
    job->has_status = thing->has_status;
    if (thing->has_status)
        status_copy(&thing->status, &job->status);
    line_done(&line);
    return job;
}

struct node *node_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct node *node = mem_new(sizeof(*node));
    meta_from(thing, &node->meta);
    resources_from(&line, &node->allocatable);
    if (line_get(&line, "pods") == NULL)
        node->allocatable.pods = 110;
    if (line_get(&line, "memory") == NULL)
        node->allocatable.memory_bytes = 64LL << 30;
    node->ready = line_is(&line, "ready", "unready", true);
    node->unschedulable = line_is(&line, "cordoned", "uncordoned", false);
    pairs_from(line_get(&line, "labels"), &node->labels);
    if (line_get(&line, "env") != NULL)
        key_values_set(&node->labels, LABEL_ENVIRONMENT, line_get(&line, "env"));
    if (line_get(&line, "type") != NULL)
        key_values_set(&node->labels, LABEL_INSTANCE_TYPE, line_get(&line, "type"));
    if (line_get(&line, "machine") != NULL)
        key_values_set(&node->labels, LABEL_INSTANCE_ID, line_get(&line, "machine"));
    struct text_list taints = {0};
    list_from(line_get(&line, "taints"), &taints);
    node->taints.items = mem_new((taints.count + 1) * sizeof(*node->taints.items));
    node->taints.count = taints.count;
    for (size_t i = 0; i < taints.count; i++) {
        char *parts[3];
        cut(taints.items[i], ":", parts, 3);
        node->taints.items[i] =
            (struct taint){text_copy(parts[0]), text_copy(parts[1]), text_copy(parts[2])};
    }
    text_list_done(&taints);
    line_done(&line);
    return node;
}

struct daemon_set *daemon_set_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct daemon_set *set = mem_new(sizeof(*set));
    meta_from(thing, &set->meta);
    placement_from(&line, &set->placement);
    struct tolerations *all = &set->placement.tolerations;
    free(all->items);
    all->items = mem_new(sizeof(*all->items)); /* as those that run everywhere have it */
    all->items[0] = (struct toleration){.operator_ = text_copy("Exists")};
    all->count = 1;
    line_done(&line);
    return set;
}

struct runtime_class *runtime_class_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct runtime_class *class_ = mem_new(sizeof(*class_));
    meta_from(thing, &class_->meta);
    placement_from(&line, &class_->adds);
    line_done(&line);
    return class_;
}

/* ------------------------------------------------------------------------- pods */

static void pod_exit_from(const struct world_pod *from, struct pod *pod)
{
    if (!from->exited)
        return;
    struct text_list also = {0};
    list_from(from->also, &also);
    pod->exits = mem_new((also.count + 1) * sizeof(*pod->exits));
    pod->exit_count = also.count + 1;
    for (size_t i = 0; i < also.count; i++) {
        char *parts[3];
        cut(also.items[i], ":", parts, 3);
        assert(parts[1] != NULL);
        pod->exits[i + 1] = (struct container_exit){
            .name = text_copy(parts[0]),
            .exit_code = (int32_t)strtol(parts[1], NULL, 10),
            .reason = text_copy(strcmp(parts[1], "0") == 0 ? "Completed" : "Error"),
            .message = text_copy(parts[2]),
        };
    }
    text_list_done(&also);
    pod->exits[0] = (struct container_exit){
        .name = text_copy("main"),
        .exit_code = from->exit_code,
        .reason = text_copy(from->container_reason),
        .message = text_copy(from->message),
    };
}

struct pod *pod_from(const struct world_pod *from)
{
    struct pod *pod = mem_new(sizeof(*pod));
    pod->meta = (struct object_meta){
        .name = text_copy(from->name),
        .namespace_ = text_copy(from->namespace_),
        .uid = text_copy(from->uid),
        .resource_version = text_printf("%lld", (long long)from->version),
        .created_ns = from->created_ns,
        .deleted_ns = from->deleted_ns,
        .has_finalizer = from->finalizer,
    };
    struct line line;
    line_read(&line, from->words);
    resources_from(&line, &pod->requests);
    pod->requests.pods = 1;
    ports_from(line_get(&line, "port"), &pod->host_ports, &pod->host_port_count);
    if (from->job_uid == NULL && line_get(&line, "daemonset") != NULL) {
        pod->owner_kind = text_copy("DaemonSet");
        pod->owner_uid = text_printf("uid-%s", line_get(&line, "daemonset"));
    }
    line_done(&line);
    pod->node_name = text_copy(from->node);
    pod->phase = from->phase;
    pod->reason = text_copy(from->reason);
    pod->message = text_copy(from->reason_words);
    pod->deadline = from->deadline;
    pod->disruption = text_copy(from->disruption);
    pod->disrupted_ns = from->disruption != NULL ? from->disrupted_ns : 0;
    pod->scheduled_ns = from->bound_ns;
    pod->waiting_reason = text_copy(from->waiting);
    pod->waiting_message = text_copy(from->waiting_words);
    pod->init_started = from->init_started;
    pod->containers_started = from->started_ns != 0;
    pod->started_ns = from->started_ns;
    pod->finished_ns = from->finished_ns;
    pod_exit_from(from, pod);
    if (from->job_uid == NULL)
        return pod;
    if (from->phase == POD_SUCCEEDED)
        pod->result = text_copy(from->result);
    pod->owner_kind = text_copy("BatchJob");
    pod->owner_uid = text_copy(from->job_uid);
    pod->job_uid = text_copy(from->job_uid);
    if (from->job != NULL) {
        struct line job;
        line_read(&job, from->job->words);
        pod->queue = text_copy(line_get(&job, "queue"));
        line_done(&job);
    }
    pod->environment = text_copy(from->environment);
    pod->node_uid = text_copy(from->node_uid);
    pod->gives_way_to = text_copy(from->gives_way_to);
    pod->definition = text_copy(from->definition);
    pod->definition_uid = text_copy(from->definition_uid);
    pod->index = from->index;
    pod->count = 1;
    pod->try = from->try;
    pod->attempt = from->attempt;
    pod->price = from->price;
    AUTO_STR held = STR_EMPTY;
    consumable_needs_print(&from->consumables, &held);
    consumable_needs_parse(str_text(&held), &pod->consumables);
    return pod;
}
