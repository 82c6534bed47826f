/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/service.h"

#include "bulkhead/api/queue.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/values.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAME_CUT = 30 };

struct node_service *node_service_free(struct node_service *service)
{
    if (service == NULL)
        return NULL;
    object_meta_done(&service->meta);
    free(service->job_uid);
    free(service);
    return NULL;
}

/* ---- names ---- */

char *job_stem(const char *job_name, const char *job_uid)
{
    char cut[NAME_CUT + 1];
    size_t size = 0;
    for (const char *c = job_name; *c != '\0' && size < NAME_CUT; c++)
        cut[size++] = *c == '.' ? '-' : *c;
    cut[size] = '\0';
    return text_printf("%s-%.8s", cut, job_uid);
}

char *node_service_name(const char *job_name, const char *job_uid)
{
    AUTO_TEXT stem = job_stem(job_name, job_uid);
    bool digit = stem[0] >= '0' && stem[0] <= '9';
    return text_printf("%s%s", digit ? "job-" : "", stem);
}

char *node_host_name(const char *service, int64_t node)
{
    return text_printf("%s-%" PRId64, service, node);
}

char *node_dns_name(const struct object_meta *job, int64_t node)
{
    AUTO_TEXT service = node_service_name(job->name, job->uid);
    AUTO_TEXT host = node_host_name(service, node);
    return text_printf("%s.%s.%s.svc", host, service, job->namespace_);
}

/* ---- the object ---- */

static struct json_object *label_of(const struct object_meta *job)
{
    struct json_object *labels = json_object_new_object();
    json_put_text(labels, LABEL_JOB_UID, job->uid);
    return labels;
}

struct json_object *node_service_encode(const struct object_meta *job)
{
    AUTO_TEXT name = node_service_name(job->name, job->uid);
    struct json_object *meta = json_object_new_object();
    struct json_object *spec = json_object_new_object();
    struct json_object *doc = json_object_new_object();
    json_put_text(meta, "name", name);
    json_put_text(meta, "namespace", job->namespace_);
    json_put(meta, "labels", label_of(job));
    json_put(meta, "ownerReferences", job_owner_references(job));
    json_put_text(spec, "clusterIP", "None");
    /* The main node waits for the others' names while none of them is ready yet. */
    json_put_bool(spec, "publishNotReadyAddresses", true);
    json_put(spec, "selector", label_of(job));
    json_put_text(doc, "apiVersion", "v1");
    json_put_text(doc, "kind", "Service");
    json_put(doc, "metadata", meta);
    json_put(doc, "spec", spec);
    return doc;
}

/* Its owner, when that is a BatchJob; NULL: it has none. */
static struct json_object *owner_of(struct json_object *meta)
{
    struct json_object *owners = json_get_list(meta, "ownerReferences");
    for (size_t i = 0; i < json_list_count(owners); i++) {
        struct json_object *owner = json_list_at(owners, i);
        if (json_get_bool(owner, "controller") &&
            text_eq(json_get_text(owner, "kind"), "BatchJob") &&
            text_eq(json_get_text(owner, "apiVersion"), API_VERSION))
            return owner;
    }
    return NULL;
}

int node_service_decode(struct json_object *doc, struct node_service **ret_service, struct err *err)
{
    AUTO(node_service) service = mem_new(sizeof(*service));
    if (object_meta_decode(doc, &service->meta, err) < 0)
        return err_wrap(err, "service");
    struct json_object *owner = owner_of(json_get_object(doc, "metadata"));
    const char *job_name = json_get_text(owner, "name");
    const char *job_uid = json_get_text(owner, "uid");
    AUTO_TEXT name =
        job_name != NULL && job_uid != NULL ? node_service_name(job_name, job_uid) : NULL;
    if (name == NULL || !text_eq(name, service->meta.name))
        return err_set(err, ERR_INVALID, "not a Service of a multi-node job's nodes");
    service->job_uid = text_copy(job_uid);
    *ret_service = STEAL(service);
    return 0;
}
