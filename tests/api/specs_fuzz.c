/* SPDX-License-Identifier: Apache-2.0 */
/* specs_fuzz.c - any JSON as one of our own kinds: what is wrong is told in one line with its path
 */
#include "fuzz/fuzz.h"

#include "bulkhead/api/job.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/json/get.h"

#include <string.h>

static void check_sentence(const char *text)
{
    MUST(text == NULL || (text[0] != '\0' && strchr(text, '\n') == NULL));
}

static void as_job(struct json_object *doc)
{
    struct err err = {0};
    AUTO(batch_job) job = NULL;
    if (batch_job_decode(doc, &job, &err) < 0) {
        MUST(job == NULL && err.text[0] != '\0');
        return;
    }
    check_sentence(job->invalid);
    MUST(job->invalid != NULL || job->queue != NULL);
    MUST(job->invalid != NULL || !job->array_size.set ||
         (job->array_size.value >= 1 && job->array_size.value <= JOB_ARRAY_SIZE_MAX));
}

static void as_definition(struct json_object *doc)
{
    struct err err = {0};
    AUTO(job_definition) definition = NULL;
    if (job_definition_decode(doc, &definition, &err) < 0)
        MUST(definition == NULL);
    else
        check_sentence(definition->invalid);
}

static void as_queue(struct json_object *doc)
{
    struct err err = {0};
    AUTO(job_queue) queue = NULL;
    if (job_queue_decode(doc, &queue, &err) < 0)
        MUST(queue == NULL && err.text[0] != '\0');
    else
        MUST(queue->environment_count <= QUEUE_ENVIRONMENTS_MAX);
}

static void as_environment(struct json_object *doc)
{
    struct err err = {0};
    AUTO(compute_environment) environment = NULL;
    if (compute_environment_decode(doc, &environment, &err) < 0)
        MUST(environment == NULL && err.text[0] != '\0');
}

static void as_resource(struct json_object *doc)
{
    struct err err = {0};
    AUTO(consumable_resource) resource = NULL;
    if (consumable_resource_decode(doc, &resource, &err) < 0) {
        MUST(resource == NULL && err.text[0] != '\0');
        return;
    }
    check_sentence(resource->invalid);
    MUST(resource->invalid != NULL ||
         (resource->total >= 0 && resource->total <= CONSUMABLE_QUANTITY_MAX));
    for (size_t i = 0; resource->invalid == NULL && i < resource->claims.count; i++) {
        int64_t quantity = 1;
        (void)consumable_claim_parse(resource->claims.items[i], &quantity);
        MUST(quantity >= 1 && quantity <= CONSUMABLE_QUANTITY_MAX);
    }
}

FUZZ(data, size)
{
    struct err err = {0};
    AUTO(json_object) doc = NULL;
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    as_job(doc);
    as_definition(doc);
    as_queue(doc);
    as_environment(doc);
    as_resource(doc);
    return 0;
}
