/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include "bulkhead/base/log.h"

#include <stdlib.h>

enum { POST_TIMEOUT_MS = 15 * 1000, ANSWER_BYTES_MAX = 64 * 1024 };

struct sink {
    struct sink_options options;
    struct kube_client *client;
    char *path;
    bool troubled;
    struct sink_stats stats;
};

struct post {
    struct sink *sink;
    uint64_t action_id;
};

static enum done_result result_of_status(int status)
{
    if (status >= 200 && status < 300)
        return DONE_OK;
    return status == 400 || status == 413 || status == 415 || status == 422 ? DONE_REFUSED
                                                                            : DONE_AGAIN;
}

static void count(struct sink *sink, enum done_result result, int status, const char *message)
{
    if (result == DONE_OK) {
        sink->stats.delivered++;
    } else if (result == DONE_REFUSED) {
        sink->stats.refused++;
        log_warn("the event sink refused an event, which is dropped", KV_INT("status", status),
                 KV("why", message));
    } else {
        sink->stats.failed++;
    }
    bool troubled = result == DONE_AGAIN;
    if (troubled && !sink->troubled)
        log_warn("the event sink takes no events; trying on", KV_INT("status", status),
                 KV("why", message));
    else if (!troubled && sink->troubled)
        log_info("the event sink takes events again");
    sink->troubled = troubled;
}

static void on_posted(void *ctx, const struct kube_response *response)
{
    struct post *post = ctx;
    struct sink *sink = post->sink;
    uint64_t action_id = post->action_id;
    enum done_result result = result_of_status(response->status);
    free(post);
    count(sink, result, response->status, response->message);
    sink->options.on_answer(sink->options.ctx, action_id, result,
                            result == DONE_OK ? NULL : response->message);
}

static void on_dropped(void *ctx)
{
    free(ctx);
}

bool sink_post(struct sink *sink, const struct action *action)
{
    struct err err;
    struct post *post = mem_new(sizeof(*post));
    AUTO_TEXT body = state_change_encode(action->change);
    post->sink = sink;
    post->action_id = action->id;
    const struct kube_request request = {
        .lane = KUBE_LANE_WRITES,
        .method = KUBE_POST,
        .path = sink->path,
        .take_body = &body,
        .content = KUBE_CONTENT_CLOUD_EVENT,
        .timeout_ms = POST_TIMEOUT_MS,
        .body_bytes_max = ANSWER_BYTES_MAX,
        .on_done = on_posted,
        .on_dropped = on_dropped,
        .ctx = post,
    };
    if (kube_send(sink->client, &request, NULL, &err) == 0)
        return true;
    free(post);
    count(sink, DONE_AGAIN, 0, err.text);
    return false;
}

struct sink_stats sink_stats(const struct sink *sink)
{
    return sink->stats;
}

struct sink *sink_new(const struct sink_options *options, struct err *err)
{
    AUTO(kube_config) config = NULL;
    AUTO_TEXT path = NULL;
    const struct kube_client_options how = {.user_agent = options->user_agent,
                                            .random = options->random};
    if (kube_endpoint_config(&options->endpoint, &config, &path, err) < 0)
        return NULL;
    struct kube_client *client = kube_client_new(options->uv, &config, &how, err);
    if (client == NULL)
        return NULL;
    struct sink *sink = mem_new(sizeof(*sink));
    sink->options = *options;
    sink->client = client;
    sink->path = STEAL(path);
    return sink;
}

struct sink *sink_free(struct sink *sink)
{
    if (sink == NULL)
        return NULL;
    kube_client_close(sink->client, NULL, NULL);
    free(sink->path);
    free(sink);
    return NULL;
}
