/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include <stdlib.h>
#include <string.h>

/* What an event of a kind brings besides texts; NULL: nothing. Without a default, so that the
 * compiler tells of a kind that is not here. */
static const struct record_type *payload_of(const struct event *event)
{
    switch (event->kind) {
    case EVENT_JOB:
        return &batch_job_record;
    case EVENT_ARRAY_STATE:
        return &array_status_record;
    case EVENT_QUEUE:
        return &job_queue_record;
    case EVENT_ENVIRONMENT:
        return &compute_environment_record;
    case EVENT_DEFINITION:
    case EVENT_REVISION:
        return &job_definition_record;
    case EVENT_SERVICE:
        return &node_service_record;
    case EVENT_POD:
        return &pod_record;
    case EVENT_NODE:
        return &node_record;
    case EVENT_DAEMON_SET:
        return &daemon_set_record;
    case EVENT_RUNTIME_CLASS:
        return &runtime_class_record;
    case EVENT_CONSUMABLE:
        return &consumable_resource_record;
    case EVENT_POLICY:
        return &scheduling_policy_record;
    case EVENT_INVALID:
        return &object_meta_record;
    case EVENT_JOB_GONE:
    case EVENT_QUEUE_GONE:
    case EVENT_ENVIRONMENT_GONE:
    case EVENT_DEFINITION_GONE:
    case EVENT_REVISION_GONE:
    case EVENT_SERVICE_GONE:
    case EVENT_POD_GONE:
    case EVENT_NODE_GONE:
    case EVENT_DAEMON_SET_GONE:
    case EVENT_RUNTIME_CLASS_GONE:
    case EVENT_CONSUMABLE_GONE:
    case EVENT_POLICY_GONE:
    case EVENT_SYNCED:
    case EVENT_DONE:
    case EVENT_TICK:
        break;
    }
    return NULL;
}

bool event_has_object(const struct event *event)
{
    return payload_of(event) != NULL;
}

static const size_t text_offsets[] = {
    offsetof(struct event, namespace_),
    offsetof(struct event, name),
    offsetof(struct event, uid),
    offsetof(struct event, message),
    offsetof(struct event, resource_version),
    offsetof(struct event, object_kind),
};

static const char **text_at(const struct event *event, size_t i)
{
    return (const char **)(uintptr_t)((const char *)event + text_offsets[i]);
}

/* ---------------------------------------------------------------------------- writing */

static void put_object(struct str *out, const struct record_type *type, const void *object)
{
    record_put_number(out, object != NULL);
    if (object != NULL)
        record_put(out, type, object);
}

static void put_done(struct str *out, const struct done *done)
{
    record_put_number(out, done->action_id);
    record_put_number(out, (uint64_t)done->result);
    record_put_number(out, (uint64_t)done->provider);
    record_put_text(out, done->message);
    record_put_text(out, done->resource_version);
    record_put_text(out, done->array_version);
    record_put_text(out, done->uid);
    record_put_text(out, done->uid);
    record_put_number(out, (uint64_t)done->state_bytes);
    put_object(out, &pod_record, done->pod);
    put_object(out, &job_definition_record, done->definition);
    record_put_number(out, done->instances != NULL ? done->instances->count + 1 : 0);
    for (size_t i = 0; done->instances != NULL && i < done->instances->count; i++)
        record_put(out, &instance_record, &done->instances->items[i]);
    record_put_number(out, done->type_count);
    for (size_t i = 0; i < done->type_count; i++)
        record_put(out, &instance_type_record, &done->types[i]);
}

void event_put(struct str *out, const struct event *event)
{
    unsigned present = 0;
    for (size_t i = 0; i < ARRAY_LEN(text_offsets); i++)
        present |= *text_at(event, i) != NULL ? 1U << i : 0;
    record_put_number(out, present);
    for (size_t i = 0; i < ARRAY_LEN(text_offsets); i++) {
        if (*text_at(event, i) != NULL)
            record_put_text(out, *text_at(event, i));
    }
    if (event->kind == EVENT_DONE)
        put_done(out, &event->done);
    else if (payload_of(event) != NULL)
        record_put(out, payload_of(event), event->job); /* any of the union's pointers */
}

/* ---------------------------------------------------------------------------- reading */

static const char *get_text(struct record_input *input, struct arena *arena)
{
    size_t size;
    const char *text = record_get_text(input, &size);
    if (text == NULL)
        return NULL;
    char *copy = arena_alloc(arena, size + 1);
    memcpy(copy, text, size);
    return copy;
}

static void *get_object(struct record_input *input, const struct record_type *type)
{
    void *object = mem_new(type->size);
    record_get(input, type, object);
    return object;
}

/* How many of a type there can be in what is left. */
static size_t get_count(struct record_input *input, const struct record_type *type, uint64_t count)
{
    if (count > (size_t)(input->end - input->at) / ((type->count + 7) / 8))
        input->bad = true;
    return input->bad ? 0 : (size_t)count;
}

static void get_instances(struct record_input *input, struct arena *arena, struct done *done)
{
    uint64_t told = record_get_number(input);
    if (told == 0)
        return;
    size_t count = get_count(input, &instance_record, told - 1);
    struct instances *instances = arena_alloc(arena, sizeof(*instances));
    instances->items = mem_new((count + 1) * sizeof(*instances->items));
    done->instances = instances;
    while (instances->count < count && !input->bad)
        record_get(input, &instance_record, &instances->items[instances->count++]);
}

static void get_types(struct record_input *input, struct done *done)
{
    size_t count = get_count(input, &instance_type_record, record_get_number(input));
    if (count == 0)
        return;
    struct instance_type *types = mem_new(count * sizeof(*types));
    done->types = types;
    while (done->type_count < count && !input->bad)
        record_get(input, &instance_type_record, &types[done->type_count++]);
}

static void get_done(struct record_input *input, struct arena *arena, struct done *done)
{
    done->action_id = record_get_number(input);
    uint64_t result = record_get_number(input);
    uint64_t provider = record_get_number(input);
    input->bad = input->bad || result > DONE_UNKNOWN || provider > PROVIDER_INVALID;
    done->result = (enum done_result)(result <= DONE_UNKNOWN ? result : 0);
    done->provider = (enum provider_result)(provider <= PROVIDER_INVALID ? provider : 0);
    done->message = get_text(input, arena);
    done->resource_version = get_text(input, arena);
    done->array_version = get_text(input, arena);
    done->uid = get_text(input, arena);
    done->uid = get_text(input, arena);
    done->state_bytes = (int64_t)record_get_number(input);
    if (record_get_number(input) != 0)
        done->pod = get_object(input, &pod_record);
    if (record_get_number(input) != 0)
        done->definition = get_object(input, &job_definition_record);
    get_instances(input, arena, done);
    get_types(input, done);
}

void event_get(struct record_input *input, struct arena *arena, struct event *ret_event)
{
    uint64_t present = record_get_number(input);
    for (size_t i = 0; i < ARRAY_LEN(text_offsets); i++) {
        if ((present >> i & 1) != 0)
            *text_at(ret_event, i) = get_text(input, arena);
    }
    if (ret_event->kind == EVENT_DONE)
        get_done(input, arena, &ret_event->done);
    else if (payload_of(ret_event) != NULL)
        ret_event->job = get_object(input, payload_of(ret_event));
    if (input->bad || input->at != input->end) {
        input->bad = true;
        event_drop(ret_event);
    }
}

/* ---------------------------------------------------------------------------- freeing */

static void object_drop(const struct record_type *type, void *object)
{
    if (object == NULL)
        return;
    record_done(type, object);
    free(object);
}

static void done_drop(struct done *done)
{
    object_drop(&pod_record, done->pod);
    object_drop(&job_definition_record, done->definition);
    event_drop_borrowed(done);
}

void event_drop_borrowed(struct done *done)
{
    struct instance_type *types = (struct instance_type *)(uintptr_t)done->types;
    if (done->instances != NULL)
        instances_done((struct instances *)(uintptr_t)done->instances);
    for (size_t i = 0; i < done->type_count; i++)
        instance_type_done(&types[i]);
    free(types);
    done->instances = NULL;
    done->types = NULL;
    done->type_count = 0;
}

void event_drop(struct event *event)
{
    if (event->kind == EVENT_DONE)
        done_drop(&event->done);
    else if (payload_of(event) != NULL)
        object_drop(payload_of(event), event->job);
    event->kind = EVENT_TICK;
}
