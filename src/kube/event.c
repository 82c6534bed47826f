/* SPDX-License-Identifier: Apache-2.0 */
/* event.c - Events that kubectl describe shows, best effort: see the header
 *
 * A series is one Event object in the server: made by its first post, and patched (count,
 * lastTimestamp, message) when posts of the same object and reason follow within the window, at
 * most every series_ms. Series stand in a hash table of fixed size; where it is crowded, the oldest
 * makes room. */
#include "bulkhead/kube/event.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/kube/path.h"
#include "client_priv.h"
#include "json_doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERIES_MAX = 1024,
    PROBES = 16,
    IN_FLIGHT_MAX = 4,
    QUEUE_MAX = 256,
    REASON_MAX = 128,
    MESSAGE_MAX = 1024,
    NAME_MAX_BYTES = 220,
    LOOK_AGAIN_MS = 250,
    WRITE_TIMEOUT_MS = 10 * 1000,
};

/* State of a series: what the server has, and what it still must be told. */
struct series {
    uint64_t key;                          /* hash of object and reason; 0: empty place */
    int64_t first_ns, last_ns, written_ns; /* steady; written_ns 0: not yet */
    int64_t count;
    bool queued, in_flight, warning;
    char *api_version, *kind, *namespace, *name, *uid, *reason, *message;
    char *event_name, *event_namespace;
};

struct kube_events {
    struct kube_client *client;
    struct kube_events_options options;
    char *component, *instance;
    struct series table[SERIES_MAX];
    struct write {
        struct kube_events *events;
        struct series *series;
        uint64_t call_id;
        bool creates;
    } writes[IN_FLIGHT_MAX];
    struct series *queue[QUEUE_MAX * 4];
    size_t queue_first, queue_count;
    struct kube_timer look;
    struct kube_events_stats stats;
};

static void series_done(struct series *series)
{
    char **texts[] = {&series->api_version, &series->kind,       &series->namespace,
                      &series->name,        &series->uid,        &series->reason,
                      &series->message,     &series->event_name, &series->event_namespace};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        text_set(texts[i], NULL);
    *series = (struct series){0};
}

static uint64_t key_of(const struct kube_event *event)
{
    const char *texts[] = {event->kind, event->namespace, event->name, event->uid, event->reason};
    uint64_t key = 14695981039346656037U;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (const char *c = texts[i] != NULL ? texts[i] : ""; *c != '\0'; c++)
            key = (key ^ (unsigned char)*c) * 1099511628211U;
        key = (key ^ 0xff) * 1099511628211U;
    }
    return key != 0 ? key : 1;
}

static struct series *place_of(struct kube_events *events, uint64_t key, size_t probe)
{
    return &events->table[(key + probe) % SERIES_MAX];
}

static struct series *find_series(struct kube_events *events, uint64_t key, int64_t now_ns)
{
    for (size_t i = 0; i < PROBES; i++) {
        struct series *series = place_of(events, key, i);
        if (series->key == key && now_ns - series->first_ns < events->options.window_ms * NS_PER_MS)
            return series;
    }
    return NULL;
}

/* Makes room for a series of that key. NULL: every place it may stand in is queued or in flight. */
static struct series *free_series(struct kube_events *events, uint64_t key)
{
    struct series *oldest = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct series *series = place_of(events, key, i);
        if (!series->queued && !series->in_flight &&
            (oldest == NULL || series->first_ns < oldest->first_ns))
            oldest = series;
    }
    if (oldest != NULL)
        series_done(oldest);
    return oldest;
}

static void fill_series(struct kube_events *events, struct series *series,
                        const struct kube_event *event, int64_t now_ns)
{
    uint64_t unique =
        (uint64_t)now_ns ^ (uint64_t)kube_random_between(&events->options.random, 0, INT64_MAX - 1);
    AUTO_TEXT name = text_copy_max(event->name != NULL ? event->name : "", NAME_MAX_BYTES);

    series->key = key_of(event);
    series->first_ns = now_ns;
    series->warning = event->warning;
    series->api_version = text_copy(event->api_version);
    series->kind = text_copy(event->kind);
    series->namespace = text_copy(event->namespace);
    series->name = text_copy(event->name);
    series->uid = text_copy(event->uid);
    series->reason = text_copy_max(event->reason != NULL ? event->reason : "", REASON_MAX);
    series->event_name = text_printf("%s.%016" PRIx64, name, unique);
    series->event_namespace = text_copy(event->namespace != NULL ? event->namespace : "default");
}

/* --- Writing --------------------------------------------------------------------------------- */

static char *body_of(const struct kube_events *events, const struct series *series, bool creates)
{
    struct json_object *doc = json_object_new_object();
    char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];

    doc_set(doc, "count", json_object_new_int64(series->count));
    doc_set_text(doc, "lastTimestamp", time_print(series->last_ns, last));
    doc_set_text(doc, "message", series->message);
    if (creates) {
        doc_set_text(doc, "apiVersion", "v1");
        doc_set_text(doc, "kind", "Event");
        doc_set_text(doc, "metadata.name", series->event_name);
        doc_set_text(doc, "metadata.namespace", series->event_namespace);
        doc_set_text(doc, "involvedObject.apiVersion", series->api_version);
        doc_set_text(doc, "involvedObject.kind", series->kind);
        doc_set_text(doc, "involvedObject.namespace", series->namespace);
        doc_set_text(doc, "involvedObject.name", series->name);
        doc_set_text(doc, "involvedObject.uid", series->uid);
        doc_set_text(doc, "reason", series->reason);
        doc_set_text(doc, "type", series->warning ? "Warning" : "Normal");
        doc_set_text(doc, "firstTimestamp", time_print(series->first_ns, first));
        doc_set_text(doc, "source.component", events->component);
        doc_set_text(doc, "source.host", events->instance);
        doc_set_text(doc, "reportingComponent", events->component);
        doc_set_text(doc, "reportingInstance", events->instance);
    }
    char *text = doc_print(doc);
    json_object_put(doc);
    return text;
}

static void write_some(struct kube_events *events);

static void on_written(void *ctx, const struct kube_response *response)
{
    struct write *write = ctx;
    struct series *series = write->series;
    struct kube_events *events = write->events;

    write->series = NULL;
    write->call_id = 0;
    series->in_flight = false;
    if (response->outcome == KUBE_OK || response->outcome == KUBE_EXISTS) {
        events->stats.written++;
    } else {
        events->stats.failed++;
        if (write->creates || response->outcome == KUBE_NOT_FOUND)
            series->written_ns = 0; /* the next post makes it anew */
    }
    write_some(events);
}

static int send_series(struct kube_events *events, struct write *write, struct series *series)
{
    AUTO_STR path = STR_EMPTY;
    bool creates = series->written_ns == 0;
    const struct kube_ref ref = {.group_version = "v1",
                                 .resource = "events",
                                 .namespace = series->event_namespace,
                                 .name = creates ? NULL : series->event_name};
    if (kube_path(&path, &ref, NULL) < 0)
        return -1;

    AUTO_TEXT body = body_of(events, series, creates);
    const struct kube_request request = {
        .lane = KUBE_LANE_WRITES,
        .method = creates ? KUBE_POST : KUBE_PATCH,
        .path = path.data,
        .take_body = &body,
        .content = creates ? KUBE_CONTENT_JSON : KUBE_CONTENT_MERGE_PATCH,
        .accept = KUBE_ACCEPT_METADATA,
        .timeout_ms = WRITE_TIMEOUT_MS,
        .on_done = on_written,
        .ctx = write,
    };
    if (kube_send(events->client, &request, &write->call_id, NULL) < 0)
        return -1;
    write->series = series;
    write->creates = creates;
    series->written_ns = clock_steady_ns();
    series->in_flight = true;
    return 0;
}

static struct write *free_write(struct kube_events *events)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        if (events->writes[i].series == NULL)
            return &events->writes[i];
    }
    return NULL;
}

/* The first series of the queue that is due; the others keep their order. */
static struct series *next_series(struct kube_events *events, int64_t now_ns)
{
    for (size_t left = events->queue_count; left > 0; left--) {
        struct series *series = events->queue[events->queue_first];
        events->queue_first = (events->queue_first + 1) % ARRAY_LEN(events->queue);
        events->queue_count--;
        bool due = series->written_ns == 0 ||
                   now_ns - series->written_ns >= events->options.series_ms * NS_PER_MS;
        if (due && !series->in_flight) {
            series->queued = false;
            return series;
        }
        size_t end = (events->queue_first + events->queue_count) % ARRAY_LEN(events->queue);
        events->queue[end] = series;
        events->queue_count++;
    }
    return NULL;
}

static void write_some(struct kube_events *events)
{
    int64_t now_ns = clock_steady_ns();
    struct write *write;
    struct series *series;

    while (kube_client_stats(events->client, KUBE_LANE_WRITES).waiting == 0 &&
           (write = free_write(events)) != NULL && (series = next_series(events, now_ns)) != NULL) {
        if (send_series(events, write, series) < 0)
            events->stats.failed++;
    }
    if (events->queue_count > 0)
        kube_timer_set(events->client, &events->look, now_ns + LOOK_AGAIN_MS * NS_PER_MS);
}

static void on_look(void *ctx)
{
    write_some(ctx);
}

void kube_events_post(struct kube_events *events, const struct kube_event *event)
{
    int64_t now_ns = clock_steady_ns();
    struct series *series = find_series(events, key_of(event), now_ns);
    bool queued = series != NULL && series->queued;

    if (!queued && events->queue_count >= events->options.queue_max) {
        events->stats.dropped++;
        return;
    }
    if (series == NULL) {
        series = free_series(events, key_of(event));
        if (series == NULL) {
            events->stats.dropped++;
            return;
        }
        fill_series(events, series, event, now_ns);
    }
    series->last_ns = now_ns;
    series->count++;
    free(series->message);
    series->message = text_copy_max(event->message != NULL ? event->message : "", MESSAGE_MAX);
    if (!series->queued) {
        size_t end = (events->queue_first + events->queue_count) % ARRAY_LEN(events->queue);
        events->queue[end] = series;
        events->queue_count++;
        series->queued = true;
    }
    kube_timer_set(events->client, &events->look, now_ns); /* after what this turn sends */
}

struct kube_events *kube_events_new(struct kube_client *client,
                                    const struct kube_events_options *options)
{
    struct kube_events *events = mem_new(sizeof(*events));
    events->client = client;
    events->options = *options;
    if (events->options.queue_max == 0)
        events->options.queue_max = QUEUE_MAX;
    if (events->options.queue_max > ARRAY_LEN(events->queue))
        events->options.queue_max = ARRAY_LEN(events->queue);
    if (events->options.window_ms <= 0)
        events->options.window_ms = 600 * 1000;
    if (events->options.series_ms <= 0)
        events->options.series_ms = 10 * 1000;
    events->component = text_copy(options->component);
    events->instance = text_copy(options->instance);
    events->look = (struct kube_timer){.on_due = on_look, .ctx = events};
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        events->writes[i].events = events;
    return events;
}

struct kube_events *kube_events_free(struct kube_events *events)
{
    if (events == NULL)
        return NULL;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        kube_cancel(events->client, events->writes[i].call_id);
    kube_timer_clear(events->client, &events->look);
    for (size_t i = 0; i < SERIES_MAX; i++)
        series_done(&events->table[i]);
    free(events->component);
    free(events->instance);
    free(events);
    return NULL;
}

struct kube_events_stats kube_events_stats(const struct kube_events *events)
{
    struct kube_events_stats stats = events->stats;
    stats.waiting = events->queue_count;
    return stats;
}
