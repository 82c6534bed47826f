/* SPDX-License-Identifier: Apache-2.0 */
/* references.h - parameters and results in the command and args of a job's containers
 *
 * Ref::name is replaced by the parameter of that name. What is there then may name results of jobs
 * in dependsOn: Ref::jobs.<jobName> is the whole text, Ref::jobs.<jobName>.<field> a field of a
 * JSON object, fields of fields with more dots. A field's name is of letters, digits and
 * underscores, so that a dot, a comma or a dash may follow it. Values are not looked at again. */
#ifndef BULKHEAD_API_REFERENCES_H
#define BULKHEAD_API_REFERENCES_H

#include "bulkhead/api/job.h"

#define REFERENCE_MARK "Ref::"

enum {
    REFERENCES_MAX = 32,                   /* different ones in one job */
    REFERENCE_BYTES_MAX = 1024,            /* of one as it stands there */
    REFERENCE_VALUES_BYTES_MAX = 16 * 1024 /* of their values together */
};

struct reference {
    char *text;        /* "jobs.split.count" */
    size_t dependency; /* in spec.dependsOn */
    char *path;        /* "count"; NULL: the whole text */
};
struct references {
    struct reference *items;
    size_t count;
};
void references_done(struct references *references);

/* Adds every result that the template uses to the list. ERR_INVALID names the first that no entry
 * of dependsOn has. */
int references_find(const struct batch_job *job, const struct job_definition *definition,
                    const struct pod_template *template_, struct references *references,
                    struct err *err);
/* The same of arrayProperties.sizeFrom, when the job has one. */
int references_find_size(const struct batch_job *job, struct references *references,
                         struct err *err);
/* The size of the reference that starts here, right after REFERENCE_MARK; 0: none does. */
size_t reference_size(const struct batch_job *job, const char *text);

/* What the path finds in a result, as text; JSON when it is an object or a list. The caller's.
 * ERR_INVALID, with words that follow "the result of a job ": "has no field count". */
int reference_value(const char *result, const char *path, char **ret_value, struct err *err);

/* Of a pod spec: parameters are put in, in every container's command and args. */
struct json_object;
void parameters_replace(const struct batch_job *job, const struct job_definition *definition,
                        struct json_object *pod_spec);
/* Every text there that has a mark; replaced when edit appends something else to out. */
typedef void references_edit_fn(void *ctx, const char *text, struct str *out);
void references_edit(struct json_object *pod_spec, references_edit_fn *edit, void *ctx);

#endif
