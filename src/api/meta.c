/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/meta.h"

#include "bulkhead/api/queue.h"
#include "bulkhead/json/get.h"

#include <stdlib.h>
#include <string.h>

void object_meta_done(struct object_meta *meta)
{
    free(meta->name);
    free(meta->namespace_);
    free(meta->uid);
    free(meta->resource_version);
    *meta = (struct object_meta){0};
}

int64_t version_number(const char *text)
{
    int64_t number = 0;
    for (; text != NULL && *text >= '0' && *text <= '9'; text++) {
        if (number > (INT64_MAX - 9) / 10)
            return INT64_MAX;
        number = number * 10 + (*text - '0');
    }
    return number;
}

struct json_object *job_owner_references(const struct object_meta *job)
{
    struct json_object *owner = json_object_new_object();
    struct json_object *owners = json_object_new_array_ext(1);
    json_put_text(owner, "apiVersion", API_VERSION);
    json_put_text(owner, "kind", "BatchJob");
    json_put_text(owner, "name", job->name);
    json_put_text(owner, "uid", job->uid);
    json_put_bool(owner, "controller", true);
    json_put_bool(owner, "blockOwnerDeletion", false);
    json_object_array_add(owners, owner);
    return owners;
}

static bool has_our_finalizer(struct json_object *finalizers)
{
    for (size_t i = 0; i < json_list_count(finalizers); i++) {
        struct json_object *item = json_list_at(finalizers, i);
        if (!json_object_is_type(item, json_type_string))
            continue;
        const char *text = json_object_get_string(item);
        if (strcmp(text, FINALIZER_OUTCOME) == 0 || strcmp(text, FINALIZER_IN_USE) == 0)
            return true;
    }
    return false;
}

int object_meta_decode(struct json_object *doc, struct object_meta *ret_meta, struct err *err)
{
    struct json_object *meta = json_get_object(doc, "metadata");
    const char *name = json_get_text(meta, "name");
    if (name == NULL)
        return err_set(err, ERR_INVALID, "metadata.name: required");
    *ret_meta = (struct object_meta){
        .name = text_copy(name),
        .namespace_ = text_copy(json_get_text(meta, "namespace")),
        .uid = text_copy(json_get_text(meta, "uid")),
        .resource_version = text_copy(json_get_text(meta, "resourceVersion")),
        .generation = json_get_i64(meta, "generation", 0),
        .created_ns = json_get_time(meta, "creationTimestamp"),
        .deleted_ns = json_get_time(meta, "deletionTimestamp"),
        .has_finalizer = has_our_finalizer(json_get_list(meta, "finalizers")),
    };
    return 0;
}
