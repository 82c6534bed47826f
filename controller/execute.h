/* SPDX-License-Identifier: Apache-2.0 */
/* execute.h - carries out the core's plan: each action once, each answered by one EVENT_DONE
 *
 * Owns       every action from execute_plan until its EVENT_DONE has been applied, with copies of
 *            all it needs: nothing is borrowed from the plan once execute_plan has returned.
 * Order      by line.h, as far as the client has room; the client's own line stays short.
 * Promise    execute_plan itself applies nothing. What could not even be sent waits for
 *            execute_settle and is then answered with DONE_AGAIN.
 * Steps      most actions are one request. A job's status may write its ArrayState first; a
 *            finalizer is read before it is changed; a write that lost against a newer version
 *            reads it, so that the core sees it before it is told of the conflict. */
#ifndef BULKHEAD_CONTROLLER_EXECUTE_H
#define BULKHEAD_CONTROLLER_EXECUTE_H

#include "bulkhead/core/core.h"
#include "bulkhead/nodes/provider.h"

#include "memo.h"
#include "request.h"

struct executor_host { /* what the executor acts through; tests pass their own */
    int (*send)(void *ctx, const struct kube_request *request, struct err *err);
    size_t (*room)(void *ctx);         /* how many requests more may be sent now */
    bool (*may_write)(void *ctx);      /* asked before sending; false: nothing is sent any more */
    const char *(*manager)(void *ctx); /* whose writes these are, see fence.h */
    void (*on_fenced)(void *ctx);      /* a write was refused for it: somebody else may lead */
    bool (*start_provider)(void *ctx, const struct action *action); /* false: unknown environment */
    void (*post_event)(void *ctx, const struct action *action);
    bool (*post_change)(void *ctx, const struct action *action); /* JOB_TELL; false: not sent */
    void (*apply)(void *ctx, struct event *event);
    /* The core had another version than this one, which was just read; borrowed. */
    void (*refresh)(void *ctx, enum own_kind kind, struct json_object *doc);
    /* For metrics; write: what was written, such as "ArrayState". */
    void (*on_write)(void *ctx, const char *write, enum kube_outcome outcome);
    void (*on_done)(void *ctx, enum action_kind kind, enum done_result result);
    void (*on_reaction)(void *ctx, int64_t took_ns); /* job seen to its first pod sent */
    int64_t (*now_ns)(void);
    struct memo *memo;
    int64_t write_timeout_s; /* the server's limit for each write */
    void *ctx;
};

struct executor;
struct executor *executor_new(const struct executor_host *host);
struct executor *executor_free(struct executor *executor); /* after the client: no answers come */
DEFINE_AUTO(executor, executor_free)

void execute_plan(struct executor *executor, const struct plan *plan);
void execute_settle(struct executor *executor);
/* Sends what waits while there is room: after every answer by itself, and once a turn. */
void execute_turn(struct executor *executor);
/* Forgets what has not been sent: when no plan will come any more. Not inside a callback. */
void execute_drop_waiting(struct executor *executor);
void execute_provider_done(struct executor *executor, const struct provider_answer *answer,
                           uint64_t action_id, enum action_kind kind);
void execute_tell_done(struct executor *executor, uint64_t action_id, enum done_result result,
                       const char *message);
size_t
executor_in_flight(const struct executor *executor); /* provider calls and events not among them */

#endif
