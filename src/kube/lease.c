/* SPDX-License-Identifier: Apache-2.0 */
/* lease.c - one leader at a time: see the header
 *
 * Each round is a GET, and a PUT (or POST) when the lease may be taken or must be renewed; while it
 * is held, a renewal is a PUT alone, from the object that the last answer showed. Any answer that
 * does not fit (409, no answer) leads to a GET in the next round, soon.
 *
 * observed_ns is when WE first saw the record as it is now. A holder whose record has not changed
 * for the duration it promised is gone, whatever the clocks on either side say. */
#include "bulkhead/kube/lease.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/kube/path.h"
#include "client_priv.h"
#include "json_doc.h"
#include "lease_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RELEASE_TIMEOUT_MS = 2000 };

struct kube_lease {
    struct kube_client *client;
    struct kube_lease_options options;
    char *namespace, *name, *identity, *path, *collection_path;

    struct json_object *object; /* as last seen; NULL: absent or unknown */
    char *holder;               /* of object; "" when free */
    int64_t observed_ns;

    int64_t held_until_ns; /* 0: not held */
    int64_t sent_ns;       /* of the request in flight */
    uint64_t call_id;
    bool read_first;               /* object may be out of date */
    struct kube_timer round, lost; /* the next try; the end of what is held */
    bool releasing;
    void (*on_released)(void *ctx);
    void *released_ctx;
};

static void begin_round(void *ctx);

static void next_round(struct kube_lease *lease, int64_t wait_ms)
{
    kube_timer_set(lease->client, &lease->round, clock_steady_ns() + wait_ms * NS_PER_MS);
}

/* Full jitter on a fifth, so that waiting replicas do not ask in step. */
static int64_t retry_wait_ms(struct kube_lease *lease)
{
    int64_t retry_ms = lease->options.retry_ms;
    return retry_ms + kube_random_between(&lease->options.random, 0, retry_ms / 5);
}

static void observe(struct kube_lease *lease, const char *holder, const struct err *err)
{
    if (lease->options.on_observed != NULL)
        lease->options.on_observed(lease->options.ctx, holder, err);
}

static void lose(struct kube_lease *lease, const char *why)
{
    if (lease->held_until_ns == 0)
        return;
    lease->held_until_ns = 0;
    kube_timer_clear(lease->client, &lease->lost);
    lease->options.on_lost(lease->options.ctx, why);
}

static void on_held_over(void *ctx)
{
    lose(ctx, "no renewal succeeded within the renew deadline");
}

static void hold(struct kube_lease *lease)
{
    bool first = lease->held_until_ns == 0;
    lease->held_until_ns = lease->sent_ns + lease->options.renew_deadline_ms * NS_PER_MS;
    kube_timer_set(lease->client, &lease->lost, lease->held_until_ns);
    if (first)
        lease->options.on_acquired(lease->options.ctx);
}

/* --- What the server shows ------------------------------------------------------------------- */

static void see(struct kube_lease *lease, struct json_object *object)
{
    const char *holder = lease_record_holder(object);
    bool changed_hands = !text_eq(lease->holder, holder);

    if (lease->object == NULL || !lease_record_same(lease->object, object))
        lease->observed_ns = clock_steady_ns();
    json_object_put(lease->object);
    lease->object = json_object_get(object);
    text_set(&lease->holder, holder);
    if (changed_hands)
        observe(lease, lease->holder, NULL);
    if (!text_eq(lease->holder, lease->identity))
        lose(lease, "someone else is the holder now");
}

static void see_nothing(struct kube_lease *lease)
{
    json_object_put(lease->object);
    lease->object = NULL;
    text_set(&lease->holder, "");
    lose(lease, "the lease was deleted");
}

static bool may_take(const struct kube_lease *lease)
{
    if (lease->object == NULL || lease->holder[0] == '\0' ||
        text_eq(lease->holder, lease->identity))
        return true;
    int64_t duration_ms = lease_record_duration_ms(lease->object, lease->options.duration_ms);
    return clock_steady_ns() - lease->observed_ns >= duration_ms * NS_PER_MS;
}

/* --- What we write --------------------------------------------------------------------------- */

static struct json_object *wanted(struct kube_lease *lease, const char *holder)
{
    const struct lease_claim claim = {
        .namespace = lease->namespace,
        .name = lease->name,
        .holder = holder,
        .taken = !text_eq(lease->holder, lease->identity),
        .duration_ms = lease->options.duration_ms,
        .now_ns = clock_wall_ns(),
    };
    return lease_record_next(lease->object, &claim);
}

static int64_t call_timeout_ms(const struct kube_lease *lease)
{
    int64_t third_ms = lease->options.renew_deadline_ms / 3;
    return third_ms > 5000 ? 5000 : third_ms;
}

static void send_request(struct kube_lease *lease, struct kube_request *request)
{
    struct err err;

    request->lane = KUBE_LANE_LEASE;
    request->ctx = lease;
    if (request->timeout_ms == 0)
        request->timeout_ms = call_timeout_ms(lease);
    lease->sent_ns = clock_steady_ns();
    if (kube_send(lease->client, request, &lease->call_id, &err) < 0) {
        lease->call_id = 0;
        observe(lease, lease->holder, &err);
        next_round(lease, retry_wait_ms(lease));
    }
}

static void on_written(void *ctx, const struct kube_response *response)
{
    struct kube_lease *lease = ctx;
    struct err err;

    lease->call_id = 0;
    if (response->outcome == KUBE_OK) {
        bool told = lease_record_is(response->body);
        if (told)
            see(lease, response->body);
        hold(lease);
        lease->read_first = !told;
        next_round(lease, lease->options.retry_ms);
        return;
    }
    lease->read_first = true;
    kube_response_err(response, &err);
    observe(lease, lease->holder, &err);
    /* Someone wrote before us, or we did and did not hear of it: look at once, but only once. */
    bool look = response->outcome == KUBE_CONFLICT || response->outcome == KUBE_EXISTS ||
                kube_outcome_is_open(response->outcome);
    next_round(lease,
               look ? kube_random_between(&lease->options.random, 1, lease->options.retry_ms / 4)
                    : retry_wait_ms(lease));
}

static void write_lease(struct kube_lease *lease)
{
    struct json_object *next = wanted(lease, lease->identity);
    char *body = doc_print(next);
    struct kube_request request = {
        .method = lease->object != NULL ? KUBE_PUT : KUBE_POST,
        .path = lease->object != NULL ? lease->path : lease->collection_path,
        .take_body = &body,
        .on_done = on_written,
    };
    send_request(lease, &request);
    json_object_put(next);
    free(body);
}

static void on_read(void *ctx, const struct kube_response *response)
{
    struct kube_lease *lease = ctx;
    struct err err;

    lease->call_id = 0;
    if (response->outcome == KUBE_OK && lease_record_is(response->body)) {
        see(lease, response->body);
    } else if (response->outcome == KUBE_NOT_FOUND) {
        see_nothing(lease);
    } else {
        if (kube_response_err(response, &err) == 0)
            err_set(&err, ERR_AGAIN, "GET %s: the answer is no object", lease->path);
        observe(lease, lease->holder, &err);
        next_round(lease, retry_wait_ms(lease));
        return;
    }
    lease->read_first = false;
    if (may_take(lease)) {
        write_lease(lease);
    } else {
        lease->read_first = true;
        next_round(lease, retry_wait_ms(lease));
    }
}

static void begin_round(void *ctx)
{
    struct kube_lease *lease = ctx;
    if (lease->releasing || lease->call_id != 0)
        return;
    if (!lease->read_first && lease->object != NULL && lease->held_until_ns != 0) {
        write_lease(lease);
        return;
    }
    struct kube_request request = {.method = KUBE_GET, .path = lease->path, .on_done = on_read};
    send_request(lease, &request);
}

/* --- Life ------------------------------------------------------------------------------------ */

static int check_options(struct kube_lease_options *options, struct err *err)
{
    options->duration_ms = options->duration_ms > 0 ? options->duration_ms : 15000;
    options->renew_deadline_ms =
        options->renew_deadline_ms > 0 ? options->renew_deadline_ms : 10000;
    options->retry_ms = options->retry_ms > 0 ? options->retry_ms : 2000;

    if (options->identity == NULL || options->identity[0] == '\0')
        return err_set(err, ERR_INVALID, "lease: no identity");
    if (options->duration_ms < 1000 || options->duration_ms > LEASE_DURATION_S_MAX * 1000LL)
        return err_set(err, ERR_INVALID, "lease duration %" PRId64 " ms, expected 1 s to 1 h",
                       options->duration_ms);
    if (options->renew_deadline_ms >= options->duration_ms)
        return err_set(err, ERR_INVALID,
                       "lease renew deadline %" PRId64 " ms, expected less than the duration",
                       options->renew_deadline_ms);
    if (options->retry_ms * 12 > options->renew_deadline_ms * 10)
        return err_set(err, ERR_INVALID,
                       "lease retry %" PRId64 " ms, expected less than renew deadline / 1.2",
                       options->retry_ms);
    return 0;
}

static int set_paths(struct kube_lease *lease, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    AUTO_STR collection = STR_EMPTY;
    struct kube_ref ref = {.group_version = "coordination.k8s.io/v1",
                           .resource = "leases",
                           .namespace = lease->namespace};
    if (kube_path(&collection, &ref, err) < 0)
        return -1;
    ref.name = lease->name != NULL ? lease->name : "";
    if (kube_path(&path, &ref, err) < 0)
        return -1;
    lease->path = str_take(&path);
    lease->collection_path = str_take(&collection);
    return 0;
}

struct kube_lease *kube_lease_new(struct kube_client *client,
                                  const struct kube_lease_options *options, struct err *err)
{
    struct kube_lease_options filled = *options;
    if (check_options(&filled, err) < 0)
        return NULL;

    AUTO(kube_lease) lease = mem_new(sizeof(*lease));
    lease->client = client;
    lease->options = filled;
    lease->namespace = text_copy(options->namespace);
    lease->name = text_copy(options->name);
    lease->identity = text_copy(options->identity);
    lease->holder = text_copy("");
    lease->round = (struct kube_timer){.on_due = begin_round, .ctx = lease};
    lease->lost = (struct kube_timer){.on_due = on_held_over, .ctx = lease};
    if (set_paths(lease, err) < 0)
        return NULL;
    next_round(lease, 0);
    return STEAL(lease);
}

struct kube_lease *kube_lease_free(struct kube_lease *lease)
{
    if (lease == NULL)
        return NULL;
    kube_cancel(lease->client, lease->call_id);
    kube_timer_clear(lease->client, &lease->round);
    kube_timer_clear(lease->client, &lease->lost);
    json_object_put(lease->object);
    free(lease->namespace);
    free(lease->name);
    free(lease->identity);
    free(lease->path);
    free(lease->collection_path);
    free(lease->holder);
    free(lease);
    return NULL;
}

bool kube_lease_is_held(const struct kube_lease *lease, int64_t now_ns)
{
    return now_ns < lease->held_until_ns;
}

int64_t kube_lease_held_until_ns(const struct kube_lease *lease)
{
    return lease->held_until_ns;
}

const char *kube_lease_holder(const struct kube_lease *lease)
{
    return lease->holder;
}

int64_t kube_lease_transitions(const struct kube_lease *lease)
{
    return lease_record_transitions(lease->object);
}

static void finish_release(void *ctx)
{
    struct kube_lease *lease = ctx;
    if (lease->on_released != NULL)
        lease->on_released(lease->released_ctx);
}

static void on_release_answered(void *ctx, const struct kube_response *response)
{
    struct kube_lease *lease = ctx;
    UNUSED(response); /* if it did not work, the lease runs out by itself */
    lease->call_id = 0;
    finish_release(lease);
}

void kube_lease_release(struct kube_lease *lease, void (*on_done)(void *ctx), void *ctx)
{
    bool held = lease->held_until_ns != 0;

    lease->releasing = true;
    lease->held_until_ns = 0;
    lease->on_released = on_done;
    lease->released_ctx = ctx;
    kube_timer_clear(lease->client, &lease->lost);
    kube_cancel(lease->client, lease->call_id); /* a renewal still on its way makes ours a 409 */
    lease->call_id = 0;

    lease->round.on_due = finish_release;
    if (!held || lease->object == NULL) {
        next_round(lease, 0);
        return;
    }
    struct json_object *next = wanted(lease, "");
    char *body = doc_print(next);
    struct kube_request request = {.method = KUBE_PUT,
                                   .path = lease->path,
                                   .take_body = &body,
                                   .timeout_ms = RELEASE_TIMEOUT_MS,
                                   .on_done = on_release_answered};
    kube_timer_clear(lease->client, &lease->round);
    send_request(lease, &request);
    json_object_put(next);
    free(body);
}
