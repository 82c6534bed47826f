/* SPDX-License-Identifier: Apache-2.0 */
/* Pods from a template.
 *
 * Of the pods of one job all but a dozen values is the same. So the pod is built once as a
 * document, with a marker where a value belongs; its text is cut at the markers, and a pod is then
 * pieces and values in turn: microseconds instead of parsing and printing a template each time.
 *
 * A marker is a text that occurs nowhere in the template or the parameters: a prefix, a number
 * that is raised until it does not, and the slot's letter. Values that may be absent (deadline,
 * epoch) stand first in their objects, so that their comma can go with them. */
#include "bulkhead/api/references.h"
#include "bulkhead/api/service.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/api/template.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum slot {
    SLOT_NAME,
    SLOT_NODE,
    SLOT_NODE_UID,
    SLOT_ENVIRONMENT,
    SLOT_INDEX,
    SLOT_COUNT,
    SLOT_TRY,
    SLOT_ATTEMPT,
    SLOT_DEADLINE, /* with its key and comma */
    SLOT_PRICE,    /* likewise */
    SLOT_VALUE,    /* of a reference, by its number in the order's values */
    SLOT_END,      /* of the pod */
};

struct piece {
    const char *text; /* into pod_builder.text */
    size_t size;
    enum slot then;
    size_t value; /* SLOT_VALUE: which */
};

struct pod_builder {
    char *text;
    struct piece *pieces;
    size_t count, capacity;
    size_t bytes;
    int64_t deadline_s; /* the template's own; 0: none */
};

struct pod_builder *pod_builder_free(struct pod_builder *builder)
{
    if (builder == NULL)
        return NULL;
    free(builder->text);
    free(builder->pieces);
    free(builder);
    return NULL;
}

/* What building the document needs to know. */
struct draft {
    const struct batch_job *job;
    const struct job_definition *definition;
    const struct node_properties *nodes; /* NULL: not a multi-node job */
    int64_t node;
    const char *main_address; /* NULL: of the main node itself, or not known */
    const struct key_values *values;
    int64_t array_size;
    bool assisted; /* the cluster's scheduler finds its node */
    char mark[48]; /* "@bulkhead-7-" */
};

static const char *slot_text(const struct draft *draft, enum slot slot, char text[64])
{
    (void)snprintf(text, 64, "%s%c@", draft->mark, 'a' + (int)slot);
    return text;
}

static void put_slot(const struct draft *draft, struct json_object *object, const char *key,
                     enum slot slot)
{
    char text[64];
    json_put_text(object, key, slot_text(draft, slot, text));
}

static bool mark_is_free(const struct draft *draft, const char *template_)
{
    const char *texts[] = {template_, draft->job->meta.name, draft->job->meta.namespace_,
                           draft->job->meta.uid, draft->job->queue};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i] != NULL && strstr(texts[i], draft->mark) != NULL)
            return false;
    }
    return true;
}

/* template_: as it is once parameters are in, since two of them might make a marker together. */
static void choose_mark(struct draft *draft, const char *template_)
{
    unsigned number = 0;
    do
        (void)snprintf(draft->mark, sizeof(draft->mark), "@bulkhead-%u-", number++);
    while (!mark_is_free(draft, template_));
}

/* ---- results of other jobs ---- */

/* They differ from child to child: a marker stands for each reference whose value an order has. */
static void mark_references(void *ctx, const char *text, struct str *out)
{
    const struct draft *draft = ctx;
    const char *ref = NULL;
    while ((ref = strstr(text, REFERENCE_MARK)) != NULL) {
        const char *name = ref + strlen(REFERENCE_MARK);
        size_t size = reference_size(draft->job, name);
        AUTO_TEXT key = text_copy_n(name, size);
        size_t value = 0;
        while (value < draft->values->count && strcmp(draft->values->items[value].key, key) != 0)
            value++;
        if (value == draft->values->count) {
            str_add_bytes(out, text, (size_t)(name - text));
            text = name;
            continue;
        }
        str_add_bytes(out, text, (size_t)(ref - text));
        str_addf(out, "%s%c%zu@", draft->mark, 'a' + (int)SLOT_VALUE, value);
        text = name + size;
    }
    str_add(out, text);
}

/* ---- containers ---- */

static struct json_object *variable(const char *name, const char *value)
{
    struct json_object *item = json_object_new_object();
    json_put_text(item, "name", name);
    json_put_text(item, "value", value);
    return item;
}

static void add_node_variables(const struct draft *draft, struct json_object *list)
{
    AUTO_TEXT index = text_printf("%" PRId64, draft->node);
    AUTO_TEXT count = text_printf("%" PRId64, draft->nodes->num_nodes);
    AUTO_TEXT main_index = text_printf("%" PRId64, draft->nodes->main_node);
    AUTO_TEXT service = node_service_name(draft->job->meta.name, draft->job->meta.uid);
    AUTO_TEXT own_name = node_dns_name(&draft->job->meta, draft->node);
    AUTO_TEXT main_name = node_dns_name(&draft->job->meta, draft->nodes->main_node);
    json_object_array_add(list, variable("AWS_BATCH_JOB_NODE_INDEX", index));
    json_object_array_add(list, variable("AWS_BATCH_JOB_NUM_NODES", count));
    json_object_array_add(list, variable("AWS_BATCH_JOB_MAIN_NODE_INDEX", main_index));
    if (draft->node != draft->nodes->main_node && draft->main_address != NULL)
        json_object_array_add(
            list, variable("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", draft->main_address));
    json_object_array_add(list, variable("BULKHEAD_JOB_SERVICE", service));
    json_object_array_add(list, variable("BULKHEAD_JOB_NODE_NAME", own_name));
    json_object_array_add(list, variable("BULKHEAD_JOB_MAIN_NODE_NAME", main_name));
}

/* Ours come first, so that the template's own can refer to them: $(AWS_BATCH_JOB_ARRAY_INDEX). */
static struct json_object *environment_of(const struct draft *draft, struct json_object *own)
{
    char text[64];
    const struct batch_job *job = draft->job;
    int64_t array_size = draft->array_size > 0 ? draft->array_size : job->array_size.value;
    bool array = array_size > 0;
    AUTO_TEXT child = text_printf("%s:%s", job->meta.uid, slot_text(draft, SLOT_INDEX, text));
    struct json_object *list = json_object_new_array();
    AUTO_TEXT node = text_printf("%s#%" PRId64, job->meta.uid, draft->node);
    json_object_array_add(list, variable("AWS_BATCH_JOB_ID", draft->nodes != NULL ? node
                                                             : array              ? child
                                                                                  : job->meta.uid));
    json_object_array_add(list,
                          variable("AWS_BATCH_JOB_ATTEMPT", slot_text(draft, SLOT_ATTEMPT, text)));
    json_object_array_add(list, variable("AWS_BATCH_JQ_NAME", job->queue));
    json_object_array_add(list, variable("BULKHEAD_JOB_NAME", job->meta.name));
    json_object_array_add(list, variable("BULKHEAD_JOB_UID", job->meta.uid));
    json_object_array_add(list,
                          variable("AWS_BATCH_CE_NAME", slot_text(draft, SLOT_ENVIRONMENT, text)));
    json_object_array_add(
        list, variable("AWS_BATCH_JOB_KUBERNETES_NODE_UID", slot_text(draft, SLOT_NODE_UID, text)));
    if (array) {
        AUTO_TEXT size = text_printf("%" PRId64, array_size);
        json_object_array_add(
            list, variable("AWS_BATCH_JOB_ARRAY_INDEX", slot_text(draft, SLOT_INDEX, text)));
        json_object_array_add(list, variable("AWS_BATCH_JOB_ARRAY_SIZE", size));
    }
    if (draft->nodes != NULL)
        add_node_variables(draft, list);
    for (size_t i = 0; i < json_list_count(own); i++)
        json_object_array_add(list, json_object_get(json_list_at(own, i)));
    return list;
}

static void complete_container(const struct draft *draft, struct json_object *container)
{
    json_put(container, "env", environment_of(draft, json_get_list(container, "env")));
    if (json_get(container, "terminationMessagePolicy") == NULL)
        json_put_text(container, "terminationMessagePolicy", "FallbackToLogsOnError");
}

static void complete_containers(const struct draft *draft, struct json_object *list)
{
    for (size_t i = 0; i < json_list_count(list); i++)
        complete_container(draft, json_list_at(list, i));
}

/* ---- the pod ---- */

/* Members of from that are not in to yet; the values are shared. */
static void add_members(struct json_object *to, struct json_object *from)
{
    for (const struct lh_entry *m = json_first(from); m != NULL; m = m->next)
        json_put(to, json_key(m), json_object_get(json_value(m)));
}

static struct json_object *pod_labels(const struct draft *draft, struct json_object *own)
{
    struct json_object *labels = json_object_new_object();
    add_members(labels, own);
    json_put_text(labels, LABEL_JOB_UID, draft->job->meta.uid);
    json_put_text(labels, LABEL_QUEUE, draft->job->queue);
    json_put_text(labels, LABEL_SHARE, draft->job->share);
    put_slot(draft, labels, LABEL_ENVIRONMENT, SLOT_ENVIRONMENT);
    put_slot(draft, labels, LABEL_INDEX, SLOT_INDEX);
    put_slot(draft, labels, LABEL_TRY, SLOT_TRY);
    return labels;
}

/* So that whoever counts again finds what it holds. */
static void put_consumables(const struct draft *draft, struct json_object *annotations)
{
    const struct consumable_needs *needs = &draft->job->consumables;
    if (!draft->job->has_consumables && draft->definition != NULL)
        needs = &draft->definition->consumables;
    AUTO_STR text = STR_EMPTY;
    consumable_needs_print(needs, &text);
    json_put_text(annotations, ANNOTATION_CONSUMABLES, text.size > 0 ? str_text(&text) : NULL);
}

static struct json_object *pod_annotations(const struct draft *draft, struct json_object *own)
{
    struct json_object *annotations = json_object_new_object();
    add_members(annotations, own);
    json_put_text(annotations, ANNOTATION_JOB, draft->job->meta.name);
    const struct job_definition *revision = draft->definition;
    if (revision != NULL && revision->of_name != NULL) {
        AUTO_TEXT ref = text_printf("%s:%" PRId64, revision->of_name, revision->revision);
        json_put_text(annotations, ANNOTATION_DEFINITION, ref);
        json_put_text(annotations, ANNOTATION_DEFINITION_UID, revision->of_uid);
    }
    put_slot(draft, annotations, ANNOTATION_PRICE, SLOT_PRICE);
    put_slot(draft, annotations, ANNOTATION_COUNT, SLOT_COUNT);
    put_slot(draft, annotations, ANNOTATION_ATTEMPT, SLOT_ATTEMPT);
    put_slot(draft, annotations, ANNOTATION_NODE_UID, SLOT_NODE_UID);
    put_consumables(draft, annotations);
    json_object_object_del(annotations, ANNOTATION_GIVES_WAY); /* a template may have it */
    return annotations;
}

static struct json_object *pod_metadata(const struct draft *draft, struct json_object *own)
{
    struct json_object *metadata = json_object_new_object();
    struct json_object *finalizers = json_object_new_array_ext(1);
    json_object_array_add(finalizers, json_object_new_string(FINALIZER_OUTCOME));
    put_slot(draft, metadata, "name", SLOT_NAME);
    json_put_text(metadata, "namespace", draft->job->meta.namespace_);
    json_put(metadata, "labels", pod_labels(draft, json_get_object(own, "labels")));
    json_put(metadata, "annotations", pod_annotations(draft, json_get_object(own, "annotations")));
    json_put(metadata, "finalizers", finalizers);
    json_put(metadata, "ownerReferences", job_owner_references(&draft->job->meta));
    return metadata;
}

/* Does one of the template's own tolerations speak of this NoExecute taint? */
static bool speaks_of(struct json_object *own, const char *key)
{
    for (size_t i = 0; i < json_list_count(own); i++) {
        struct json_object *item = json_list_at(own, i);
        const char *its_key = json_get_text(item, "key");
        const char *effect = json_get_text(item, "effect");
        bool any_key = its_key == NULL || its_key[0] == '\0';
        bool any_effect = effect == NULL || effect[0] == '\0';
        if ((any_key || strcmp(its_key, key) == 0) &&
            (any_effect || strcmp(effect, "NoExecute") == 0))
            return true;
    }
    return false;
}

/* Kubernetes would give 300 s: so long a job would wait for a machine that has crashed. */
static void add_grace(struct json_object *list, struct json_object *own)
{
    static const char *const keys[] = {"node.kubernetes.io/not-ready",
                                       "node.kubernetes.io/unreachable"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (speaks_of(own, keys[i]))
            continue;
        struct json_object *item = json_object_new_object();
        json_put_text(item, "key", keys[i]);
        json_put_text(item, "operator", "Exists");
        json_put_text(item, "effect", "NoExecute");
        json_put_i64(item, "tolerationSeconds", POD_NODE_GRACE_S);
        json_object_array_add(list, item);
    }
}

static struct json_object *tolerations_of(const struct draft *draft, struct json_object *own)
{
    struct json_object *list = json_object_new_array();
    struct json_object *ours = json_object_new_object();
    for (size_t i = 0; i < json_list_count(own); i++)
        json_object_array_add(list, json_object_get(json_list_at(own, i)));
    json_put_text(ours, "key", TAINT_ENVIRONMENT);
    json_put_text(ours, "operator", "Equal");
    put_slot(draft, ours, "value", SLOT_ENVIRONMENT);
    json_object_array_add(list, ours);
    add_grace(list, own);
    return list;
}

/* The template's own, and the environment's nodes only. */
static struct json_object *selector_of(const struct draft *draft, struct json_object *own)
{
    struct json_object *selector = json_object_new_object();
    for (const struct lh_entry *m = json_first(own); m != NULL; m = m->next)
        json_put(selector, json_key(m), json_object_get(json_value(m)));
    put_slot(draft, selector, LABEL_ENVIRONMENT, SLOT_ENVIRONMENT);
    return selector;
}

/* The name under which DNS knows it, in every try: see service.h. */
static void put_node_name(const struct draft *draft, struct json_object *spec)
{
    AUTO_TEXT service = node_service_name(draft->job->meta.name, draft->job->meta.uid);
    AUTO_TEXT host = node_host_name(service, draft->node);
    json_put_text(spec, "hostname", host);
    json_put_text(spec, "subdomain", service);
}

static struct json_object *pod_spec(const struct draft *draft, struct json_object *own)
{
    struct json_object *spec = json_object_new_object();
    put_slot(draft, spec, "activeDeadlineSeconds", SLOT_DEADLINE);
    if (!draft->assisted)
        put_slot(draft, spec, "nodeName", SLOT_NODE);
    json_put_text(spec, "restartPolicy", "Never");
    for (const struct lh_entry *m = json_first(own); m != NULL; m = m->next) {
        if (strcmp(json_key(m), "activeDeadlineSeconds") != 0 &&
            strcmp(json_key(m), "restartPolicy") != 0)
            json_put(spec, json_key(m), json_object_get(json_value(m)));
    }
    complete_containers(draft, json_get_list(spec, "initContainers"));
    complete_containers(draft, json_get_list(spec, "containers"));
    json_put(spec, "tolerations", tolerations_of(draft, json_get_list(own, "tolerations")));
    if (draft->nodes != NULL)
        put_node_name(draft, spec);
    if (draft->assisted)
        json_put(spec, "nodeSelector", selector_of(draft, json_get_object(own, "nodeSelector")));
    return spec;
}

/* ---- cutting ---- */

static bool is_optional(enum slot slot)
{
    return slot == SLOT_DEADLINE || slot == SLOT_PRICE;
}

static void add_piece(struct pod_builder *builder, const char *text, size_t size, enum slot then,
                      size_t value)
{
    ARRAY_ROOM(builder->pieces, builder->count, builder->capacity);
    builder->pieces[builder->count++] = (struct piece){text, size, then, value};
}

/* Ends of what an optional slot replaces: from the quote of its key to the comma. */
static const char *member_start(const char *mark)
{
    const char *c = mark - 3; /* before :" and the key's closing quote */
    while (c[-1] != '"')
        c--;
    return c - 1;
}

static void cut(struct pod_builder *builder, const struct draft *draft)
{
    const char *from = builder->text;
    const char *mark = NULL;
    size_t mark_size = strlen(draft->mark);
    while ((mark = strstr(from, draft->mark)) != NULL) {
        enum slot slot = (enum slot)(mark[mark_size] - 'a');
        char *number; /* behind the letter of a value */
        size_t value = strtoul(mark + mark_size + 1, &number, 10);
        const char *end = number + 1; /* the @ */
        if (is_optional(slot)) {
            mark = member_start(mark);
            assert(end[0] == '"' && end[1] == ',');
            end += 2;
        }
        add_piece(builder, from, (size_t)(mark - from), slot, value);
        from = end;
    }
    add_piece(builder, from, strlen(from), SLOT_END, 0);
}

static struct json_object *pod_document(const struct draft *draft, struct json_object *template_)
{
    struct json_object *pod = json_object_new_object();
    json_put_text(pod, "apiVersion", "v1");
    json_put_text(pod, "kind", "Pod");
    json_put(pod, "metadata", pod_metadata(draft, json_get_object(template_, "metadata")));
    json_put(pod, "spec", pod_spec(draft, json_get_object(template_, "spec")));
    return pod;
}

static const char *template_of(const struct pod_order *order)
{
    if (order->nodes != NULL) { /* each node of a multi-node job may have its own */
        const struct node_range *range = node_range_of(order->nodes, order->index);
        return range != NULL ? range->template_.json : NULL;
    }
    if (order->template_ != NULL)
        return order->template_->json;
    return order->definition != NULL ? order->definition->template_.json
                                     : order->job->template_.json;
}

/* The effective placement, as template_of the text. Each node of a multi-node job is chosen. */
static bool is_assisted(const struct pod_order *order)
{
    if (order->nodes != NULL)
        return false;
    const struct pod_template *template_ = order->template_ ? order->template_
                                           : order->definition != NULL
                                               ? &order->definition->template_
                                               : &order->job->template_;
    return template_->placement.scheduler != NULL;
}

static struct pod_builder *builder_new(struct draft *draft, const char *json, struct err *err)
{
    AUTO(json_object) template_ = NULL;
    if (json == NULL) {
        err_set(err, ERR_INVALID, "job %s has no template", draft->job->meta.name);
        return NULL;
    }
    if (json_parse(json, strlen(json), &template_, err) < 0) {
        err_wrap(err, "template");
        return NULL;
    }
    struct json_object *own_spec = json_get_object(template_, "spec");
    parameters_replace(draft->job, draft->definition, own_spec);
    choose_mark(draft, json_print(template_));
    if (draft->values != NULL)
        references_edit(own_spec, mark_references, draft);

    AUTO(json_object) pod = pod_document(draft, template_);
    struct pod_builder *builder = mem_new(sizeof(*builder));
    builder->deadline_s = json_get_i64(own_spec, "activeDeadlineSeconds", 0);
    builder->text = text_copy(json_print(pod));
    cut(builder, draft);
    builder->bytes =
        sizeof(*builder) + strlen(builder->text) + 1 + builder->capacity * sizeof(*builder->pieces);
    return builder;
}

struct pod_builder *pod_builder_new(const struct pod_order *order, struct err *err)
{
    struct draft draft = {.job = order->job,
                          .definition = order->definition,
                          .nodes = order->nodes,
                          .node = order->index,
                          .main_address = order->main_address,
                          .values = order->values,
                          .array_size = order->array_size,
                          .assisted = is_assisted(order)};
    return builder_new(&draft, template_of(order), err);
}

size_t pod_builder_bytes(const struct pod_builder *builder)
{
    return builder->bytes;
}

/* ---- printing ---- */

/* Names of nodes and environments come from the API server, which allows nothing in them that JSON
 * would have to escape; an epoch is ours. Checked all the same: a quote would be an injection. */
static void add_plain(struct str *out, const char *text)
{
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        if (*c != '"' && *c != '\\' && (unsigned char)*c >= 0x20)
            str_add_bytes(out, c, 1);
    }
}

static void add_deadline(const struct pod_builder *builder, const struct pod_order *order,
                         struct str *out)
{
    int64_t seconds = order->active_deadline_s;
    if (builder->deadline_s > 0 && (seconds <= 0 || builder->deadline_s < seconds))
        seconds = builder->deadline_s;
    if (seconds > 0)
        str_addf(out, "\"activeDeadlineSeconds\":%" PRId64 ",", seconds);
}

static void add_price(const struct pod_order *order, struct str *out)
{
    AUTO_TEXT price = money_text(order->price);
    if (order->price > 0)
        str_addf(out, "\"" ANNOTATION_PRICE "\":\"%s\",", price);
}

/* As it stands inside a JSON text. The kubelet reads $(NAME) in commands and args, and $$ as $: the
 * program is to get the value as it is. */
static void add_result(const struct key_values *values, size_t value, struct str *out)
{
    AUTO_STR text = STR_EMPTY;
    assert(value < values->count);
    for (const char *c = values->items[value].value; *c != '\0'; c++) {
        str_add_bytes(&text, c, 1);
        if (*c == '$')
            str_add_bytes(&text, c, 1);
    }
    AUTO(json_object) json = json_object_new_string(str_text(&text));
    const char *printed = json_print(json);
    str_add_bytes(out, printed + 1, strlen(printed) - 2); /* without the quotes */
}

static void add_value(const struct pod_builder *builder, const struct pod_order *order,
                      const struct piece *piece, struct str *out)
{
    switch (piece->then) {
    case SLOT_NAME:
        add_plain(out, order->name);
        break;
    case SLOT_NODE:
        add_plain(out, order->node_name);
        break;
    case SLOT_NODE_UID:
        add_plain(out, order->node_uid);
        break;
    case SLOT_ENVIRONMENT:
        add_plain(out, order->environment);
        break;
    case SLOT_INDEX:
        str_addf(out, "%" PRIu32, order->index);
        break;
    case SLOT_COUNT:
        str_addf(out, "%" PRIu32, order->count);
        break;
    case SLOT_TRY:
        str_addf(out, "%" PRIu32, order->try);
        break;
    case SLOT_ATTEMPT:
        str_addf(out, "%" PRIu32, order->attempt);
        break;
    case SLOT_DEADLINE:
        add_deadline(builder, order, out);
        break;
    case SLOT_PRICE:
        add_price(order, out);
        break;
    case SLOT_VALUE:
        add_result(order->values, piece->value, out);
        break;
    case SLOT_END:
        break;
    }
}

void pod_builder_print(const struct pod_builder *builder, const struct pod_order *order,
                       struct str *out)
{
    for (size_t i = 0; i < builder->count; i++) {
        str_add_bytes(out, builder->pieces[i].text, builder->pieces[i].size);
        add_value(builder, order, &builder->pieces[i], out);
    }
}

int pod_build(const struct pod_order *order, struct json_object **ret_pod, struct err *err)
{
    AUTO_STR text = STR_EMPTY;
    AUTO(pod_builder) builder = pod_builder_new(order, err);
    if (builder == NULL)
        return -1;
    pod_builder_print(builder, order, &text);
    return json_parse(str_text(&text), text.size, ret_pod, err);
}
