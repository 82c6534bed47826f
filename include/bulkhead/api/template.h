/* SPDX-License-Identifier: Apache-2.0 */
/* template.h - pod templates: what they ask for, what they must not say, and pods made of them
 *
 * A template is kept as text; any field of a pod passes through, except those that bulkhead owns.
 * For callers of job.h and node.h; only who makes many pods needs this header. */
#ifndef BULKHEAD_API_TEMPLATE_H
#define BULKHEAD_API_TEMPLATE_H

#include "bulkhead/api/job.h"
#include "bulkhead/json/table.h"

enum { TEMPLATE_BYTES_MAX = 256 * 1024 };

/* ERR_INVALID with the path, for a template whose author is to be told. */
int pod_template_decode(struct json_object *value, const struct json_at *at,
                        struct pod_template *ret_template, struct err *err);

/* Both for a template and for what overrides one. The object itself has been looked at already. */
int template_check_metadata(struct json_object *metadata, const struct json_at *at,
                            struct err *err);
int template_check_container(struct json_object *container, const struct json_at *at,
                             struct err *err);

/* What a submission changes: {containers[], initContainers[] {name, image, command, args, env,
 * resources}, metadata {labels, annotations}}. ERR_INVALID with the path. */
int template_override_decode(struct json_object *value, const struct json_at *at,
                             struct template_override *ret_override, struct err *err);
void template_override_done(struct template_override *override);
/* A template or an override, both kept as text, as a document; NULL for NULL. Caller owns it. */
struct json_object *template_json(const char *text);

/* What a pod takes of its node (see requests.c); placement_decode_at calls it. pods is 1. */
int pod_requests_decode(struct json_object *pod_spec, struct json_object *status,
                        const struct json_at *at, struct resources *ret_requests, struct err *err);

/* placement_decode with the path of the pod spec. status: of a real pod, whose requests may have
 * been resized; NULL: none. at NULL: values that do not parse are passed over. */
int placement_decode_at(struct json_object *pod_spec, struct json_object *status,
                        const struct json_at *at, struct placement *ret_placement, struct err *err);

/* Makes the pods of one job: what does not change from pod to pod is prepared once, a pod is then
 * a few copies. Lives as long as the definition and the job's spec do not change. */
struct pod_builder;
struct pod_builder *pod_builder_new(const struct pod_order *order, struct err *err);
struct pod_builder *pod_builder_free(struct pod_builder *builder);
DEFINE_AUTO(pod_builder, pod_builder_free)
size_t pod_builder_bytes(const struct pod_builder *builder); /* of memory */
/* Appends the pod as JSON text. Job, definition and template must be those of the builder. */
void pod_builder_print(const struct pod_builder *builder, const struct pod_order *order,
                       struct str *out);

#endif
