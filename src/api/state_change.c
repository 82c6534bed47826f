/* SPDX-License-Identifier: Apache-2.0 */
/* state_change.c - a job's change of state, as a CloudEvent says it: see the header
 *
 * Left out of the detail: the pod template, which may be 256 KiB long. jobId and jobName lead to
 * it. Times inside the detail are milliseconds since the epoch, as AWS Batch has them. */
#include "bulkhead/api/state_change.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/json/get.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_TYPE "dev.bulkhead.job.statechange"

/* ------------------------------------------------------------------------ marks */

uint64_t state_mark_order(struct state_mark mark)
{
    if (mark.phase >= JOB_SUCCEEDED)
        return UINT64_MAX;
    return (uint64_t)mark.try * JOB_PHASE_COUNT + (uint64_t)mark.phase;
}

const char *state_mark_print(struct state_mark mark, char text[STATE_MARK_TEXT_MAX])
{
    snprintf(text, STATE_MARK_TEXT_MAX, "%" PRIu32 ".%s", mark.try, job_phase_name(mark.phase));
    return text;
}

bool state_mark_parse(const char *text, struct state_mark *ret_mark)
{
    enum { TRY_MAX = 65535 };
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    unsigned long try = strtoul(text, &end, 10);
    if (*end != '.' || try > TRY_MAX)
        return false;
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++) {
        if (strcmp(end + 1, job_phase_name((enum job_phase)phase)) != 0)
            continue;
        *ret_mark = (struct state_mark){(uint32_t)try, (enum job_phase)phase};
        return true;
    }
    return false;
}

/* --------------------------------------------------------------------- the event */

static void put_ms(struct json_object *doc, const char *key, int64_t ns)
{
    if (ns != 0)
        json_put_i64(doc, key, ns / NS_PER_MS);
}

/* Texts of containers and servers have no bound of their own. Cut between characters. */
static void put_words(struct json_object *doc, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    AUTO_TEXT cut = text_copy_max(text, STATE_CHANGE_TEXT_MAX);
    json_put_text(doc, key, cut);
}

static struct json_object *attempt(const struct job_try *try)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *container = json_object_new_object();
    if (try->exit_code.set)
        json_put_i64(container, "exitCode", try->exit_code.value);
    put_words(container, "reason", try->reason);
    put_words(doc, "podName", try->pod);
    put_words(doc, "nodeName", try->node);
    put_words(doc, "instanceId", try->instance_id);
    put_ms(doc, "startedAt", try->started_ns);
    put_ms(doc, "stoppedAt", try->stopped_ns);
    put_words(doc, "statusReason", try->status_reason);
    json_put(doc, "container", container);
    return doc;
}

/* Tries that used no attempt are not among them, and of an array none are, as on AWS. */
static struct json_object *attempts(const struct state_change *change)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < change->try_count && change->counts == NULL; i++) {
        if (change->tries[i].attempt > 0)
            json_object_array_add(list, attempt(&change->tries[i]));
    }
    return list;
}

static struct json_object *depends_on(const struct batch_job *job)
{
    static const char *const types[] = {NULL, "SEQUENTIAL", "N_TO_N"};
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < job->dependency_count; i++) {
        struct json_object *doc = json_object_new_object();
        json_put_text(doc, "jobName", job->dependencies[i].job_name);
        json_put_text(doc, "type", types[job->dependencies[i].type]);
        json_object_array_add(list, doc);
    }
    return list;
}

static struct json_object *parameters(const struct batch_job *job)
{
    struct json_object *doc = json_object_new_object();
    for (size_t i = 0; i < job->parameters.count; i++)
        json_put_text(doc, job->parameters.items[i].key, job->parameters.items[i].value);
    return doc;
}

static struct json_object *array_properties(const struct state_change *change)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *summary = json_object_new_object();
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++)
        json_put_i64(summary, job_phase_name((enum job_phase)phase), change->counts[phase]);
    json_put_i64(doc, "size", change->size);
    json_put(doc, "statusSummary", summary);
    return doc;
}

static void put_number(struct json_object *doc, const char *key, const char *inner,
                       struct opt_i64 value)
{
    if (!value.set)
        return;
    struct json_object *object = json_object_new_object();
    json_put_i64(object, inner, value.value);
    json_put(doc, key, object);
}

static struct json_object *detail(const struct state_change *change)
{
    const struct batch_job *job = change->job;
    struct json_object *doc = json_object_new_object();
    json_put_text(doc, "jobName", job->meta.name);
    json_put_text(doc, "jobId", job->meta.uid);
    json_put_text(doc, "namespace", job->meta.namespace_);
    json_put_text(doc, "jobQueue", job->queue);
    json_put_text(doc, "jobDefinition", job->definition);
    json_put_text(doc, "status", job_phase_name(change->mark.phase));
    put_words(doc, "statusReason", change->status_reason);
    json_put(doc, "attempts", attempts(change));
    put_ms(doc, "createdAt", job->meta.created_ns);
    put_ms(doc, "startedAt", change->started_ns);
    put_ms(doc, "stoppedAt", change->stopped_ns);
    put_number(doc, "retryStrategy", "attempts", job->retry.attempts);
    put_number(doc, "timeout", "attemptDurationSeconds", job->timeout_s);
    json_put(doc, "dependsOn", depends_on(job));
    json_put(doc, "parameters", parameters(job));
    if (change->counts != NULL)
        json_put(doc, "arrayProperties", array_properties(change));
    json_put_bool(doc, "isCancelled", change->cancelled);
    json_put_bool(doc, "isTerminated", change->terminated);
    return doc;
}

static struct json_object *envelope(const struct state_change *change, const char *id,
                                    const char *time, const char *resource)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *resources = json_object_new_array();
    json_object_array_add(resources, json_object_new_string(resource));
    json_put_text(doc, "version", "0");
    json_put_text(doc, "id", id);
    json_put_text(doc, "detail-type", "Batch Job State Change");
    json_put_text(doc, "source", API_GROUP);
    json_put_text(doc, "time", time);
    json_put(doc, "resources", resources);
    json_put(doc, "detail", detail(change));
    return doc;
}

char *state_change_encode(const struct state_change *change)
{
    const struct object_meta *meta = &change->job->meta;
    char mark[STATE_MARK_TEXT_MAX], time[TIME_TEXT_MAX];
    time_print_micro(change->time_ns, time);
    AUTO_TEXT id = text_printf("%s.%s", meta->uid, state_mark_print(change->mark, mark));
    AUTO_TEXT source =
        text_printf("/apis/" API_VERSION "/namespaces/%s/batchjobs", meta->namespace_);
    AUTO_TEXT resource = text_printf("%s/%s", source, meta->name);
    struct json_object *doc = json_object_new_object();
    json_put_text(doc, "specversion", "1.0");
    json_put_text(doc, "id", id);
    json_put_text(doc, "source", source);
    json_put_text(doc, "type", EVENT_TYPE);
    json_put_text(doc, "subject", meta->name);
    json_put_text(doc, "time", time);
    json_put_text(doc, "datacontenttype", "application/json");
    json_put(doc, "data", envelope(change, id, time, resource));
    char *text = text_copy(json_print(doc));
    json_object_put(doc);
    return text;
}
