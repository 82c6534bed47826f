/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - may we do our work here, and are our resources installed: see the header
 *
 * SelfSubjectAccessReview rather than SelfSubjectRulesReview: rules may be incomplete when the
 * cluster has an authorizer besides RBAC, and they would have to be matched here. */
#include "bulkhead/kube/access.h"

#include "bulkhead/base/str.h"
#include "bulkhead/kube/path.h"
#include "json_doc.h"

#include <stdlib.h>
#include <string.h>

enum { RIGHTS_MAX = 256, TIMEOUT_MS = 15 * 1000 };

struct check {
    struct kube_right *rights; /* their texts are ours */
    bool *allowed;
    size_t count, pending;
    struct err err; /* the first review that could not be made */
    kube_access_fn *on_done;
    void *ctx;
};

struct review {
    struct check *check;
    size_t index;
};

static void free_check(struct check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        const char *texts[] = {check->rights[i].verb, check->rights[i].group,
                               check->rights[i].resource, check->rights[i].namespace};
        for (size_t j = 0; j < ARRAY_LEN(texts); j++) {
            union {
                const char *in;
                void *out;
            } text = {.in = texts[j]}; /* a copy of ours */
            free(text.out);
        }
    }
    free(check->rights);
    free(check->allowed);
    free(check);
}

static void describe_missing(const struct check *check, const size_t *missing, size_t count,
                             struct err *err)
{
    AUTO_STR words = STR_EMPTY;
    for (size_t i = 0; i < count; i++) {
        const struct kube_right *right = &check->rights[missing[i]];
        str_addf(&words, "%s%s %s%s%s", i > 0 ? ", " : "", right->verb, right->resource,
                 right->group[0] != '\0' ? "." : "", right->group);
        if (right->namespace != NULL)
            str_addf(&words, " in %s", right->namespace);
    }
    err_set(err, ERR_INVALID, "not allowed (kubectl apply -k manifests/default, or grant it): %s",
            str_text(&words));
}

static void finish(struct check *check)
{
    size_t *missing = mem_new((check->count + 1) * sizeof(*missing)), count = 0;

    for (size_t i = 0; i < check->count; i++) {
        if (!check->allowed[i])
            missing[count++] = i;
    }
    if (check->err.kind != ERR_NONE)
        count = 0;
    else if (count > 0)
        describe_missing(check, missing, count, &check->err);
    check->on_done(check->ctx, missing, count, check->err.kind != ERR_NONE ? &check->err : NULL);
    free(missing);
    free_check(check);
}

static void on_reviewed(void *ctx, const struct kube_response *response)
{
    struct review *review = ctx;
    struct check *check = review->check;

    if (response->outcome == KUBE_OK)
        check->allowed[review->index] = doc_bool(response->body, "status.allowed");
    else if (check->err.kind == ERR_NONE)
        kube_response_err(response, &check->err);
    free(review);
    if (--check->pending == 0)
        finish(check);
}

static void on_review_dropped(void *ctx)
{
    struct review *review = ctx;
    struct check *check = review->check;
    free(review);
    if (--check->pending == 0)
        free_check(check);
}

static char *review_body(const struct kube_right *right)
{
    struct json_object *doc = json_object_new_object();
    size_t resource_size = strcspn(right->resource, "/");
    AUTO_TEXT resource = text_copy_n(right->resource, resource_size);

    doc_set_text(doc, "apiVersion", "authorization.k8s.io/v1");
    doc_set_text(doc, "kind", "SelfSubjectAccessReview");
    doc_set_text(doc, "spec.resourceAttributes.verb", right->verb);
    doc_set_text(doc, "spec.resourceAttributes.group", right->group);
    doc_set_text(doc, "spec.resourceAttributes.resource", resource);
    doc_set_text(doc, "spec.resourceAttributes.namespace", right->namespace);
    if (right->resource[resource_size] == '/')
        doc_set_text(doc, "spec.resourceAttributes.subresource",
                     right->resource + resource_size + 1);
    char *text = doc_print(doc);
    json_object_put(doc);
    return text;
}

static int send_review(struct kube_client *client, struct check *check, size_t index,
                       struct err *err)
{
    struct review *review = mem_new(sizeof(*review));
    AUTO_TEXT body = review_body(&check->rights[index]);
    const struct kube_request request = {
        .lane = KUBE_LANE_WRITES,
        .method = KUBE_POST,
        .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        .take_body = &body,
        .timeout_ms = TIMEOUT_MS,
        .on_done = on_reviewed,
        .on_dropped = on_review_dropped,
        .ctx = review,
    };
    review->check = check;
    review->index = index;
    if (kube_send(client, &request, NULL, err) < 0) {
        free(review);
        return -1;
    }
    check->pending++;
    return 0;
}

static struct check *new_check(const struct kube_right *rights, size_t count)
{
    struct check *check = mem_new(sizeof(*check));
    check->count = count;
    check->rights = mem_new(count * sizeof(*check->rights));
    check->allowed = mem_new(count * sizeof(*check->allowed));
    for (size_t i = 0; i < count; i++)
        check->rights[i] = (struct kube_right){
            .verb = text_copy(rights[i].verb),
            .group = text_copy(rights[i].group != NULL ? rights[i].group : ""),
            .resource = text_copy(rights[i].resource),
            .namespace = text_copy(rights[i].namespace),
        };
    return check;
}

int kube_access_check(struct kube_client *client, const struct kube_right *rights, size_t count,
                      kube_access_fn *on_done, void *ctx, struct err *err)
{
    if (count == 0 || count > RIGHTS_MAX)
        return err_set(err, ERR_INVALID, "access check of %zu rights, expected 1..%d", count,
                       RIGHTS_MAX);

    struct check *check = new_check(rights, count);
    check->on_done = on_done;
    check->ctx = ctx;
    for (size_t i = 0; i < count; i++) {
        if (send_review(client, check, i, err) == 0)
            continue;
        if (i == 0) {
            free_check(check);
            return err_wrap(err, "access check");
        }
        /* Those sent before will answer; the check as a whole could not be made. */
        check->err = err != NULL ? *err : (struct err){.kind = ERR_AGAIN};
        break;
    }
    return 0;
}

/* --- Discovery ------------------------------------------------------------------------------- */

struct discovery {
    char *group_version;
    struct str wanted; /* "jobqueues\0batchjobs\0" */
    kube_discovery_fn *on_done;
    void *ctx;
};

static void free_discovery(void *ctx)
{
    struct discovery *discovery = ctx;
    free(discovery->group_version);
    str_done(&discovery->wanted);
    free(discovery);
}

static bool lists_resource(struct json_object *body, const char *resource)
{
    struct json_object *resources = doc_get(body, "resources", json_type_array);
    size_t count = resources != NULL ? json_object_array_length(resources) : 0;
    for (size_t i = 0; i < count; i++) {
        if (text_eq(doc_text(json_object_array_get_idx(resources, i), "name"), resource))
            return true;
    }
    return false;
}

static void find_missing(const struct discovery *discovery, struct json_object *body,
                         struct str *missing)
{
    const char *end = discovery->wanted.data + discovery->wanted.size;
    for (const char *name = discovery->wanted.data; name != end; name += strlen(name) + 1) {
        if (!lists_resource(body, name))
            str_addf(missing, "%s%s", missing->size > 0 ? ", " : "", name);
    }
}

static void on_discovered(void *ctx, const struct kube_response *response)
{
    struct discovery *discovery = ctx;
    AUTO_STR missing = STR_EMPTY;
    struct err err = {0};

    if (response->outcome == KUBE_OK)
        find_missing(discovery, response->body, &missing);
    if (response->outcome == KUBE_NOT_FOUND)
        err_set(&err, ERR_INVALID,
                "the API server does not know %s: install the CRDs with kubectl apply -k "
                "manifests/default",
                discovery->group_version);
    else if (response->outcome != KUBE_OK)
        kube_response_err(response, &err);
    else if (missing.size > 0)
        err_set(&err, ERR_INVALID,
                "the API server knows %s but not %s: update the CRDs with kubectl apply -k "
                "manifests/default",
                discovery->group_version, missing.data);
    discovery->on_done(discovery->ctx, err.kind != ERR_NONE ? &err : NULL);

    free_discovery(discovery);
}

int kube_discovery_check(struct kube_client *client, const char *group_version,
                         const char *const *resources, kube_discovery_fn *on_done, void *ctx,
                         struct err *err)
{
    AUTO_TEXT path = text_printf("/apis/%s", group_version);
    struct discovery *discovery = mem_new(sizeof(*discovery));

    discovery->group_version = text_copy(group_version);
    discovery->on_done = on_done;
    discovery->ctx = ctx;
    for (size_t i = 0; resources[i] != NULL; i++)
        str_add_bytes(&discovery->wanted, resources[i], strlen(resources[i]) + 1);

    const struct kube_request request = {.lane = KUBE_LANE_WRITES,
                                         .path = path,
                                         .timeout_ms = TIMEOUT_MS,
                                         .on_done = on_discovered,
                                         .on_dropped = free_discovery,
                                         .ctx = discovery};
    if (kube_send(client, &request, NULL, err) == 0)
        return 0;
    free_discovery(discovery);
    return err_wrap(err, "discovery");
}
