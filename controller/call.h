/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - one action in flight, shared by the files of the executor only */
#ifndef BULKHEAD_CONTROLLER_CALL_H
#define BULKHEAD_CONTROLLER_CALL_H

#include "execute.h"
#include "line.h"
#include "result.h"

#include "bulkhead/json/get.h"

struct call;
typedef void answer_fn(struct call *call, const struct kube_response *response);

struct call {
    struct executor *executor;
    struct call *prev, *next;
    uint64_t action_id;
    enum action_kind kind;
    struct line_item place; /* while its request waits */
    struct request request; /* ... which is this one */
    const char *write;      /* what the request writes, for metrics; NULL: it reads */
    answer_fn *on_answer;

    /* Objects of ours: what is written, and what is needed to read it again. */
    enum own_kind own;
    char *namespace_, *name, *uid;
    struct json_object *doc;       /* the status document; NULL: none */
    struct json_object *companion; /* the ArrayState to write first; NULL: none */
    char *array_version;           /* of the companion once it is written */
    int64_t state_bytes;           /* of an array's children, packed */
    char *message;                 /* of the conflict, while it is read again */
    int retries;
    bool add;
};

struct executor {
    struct executor_host host;
    struct builders *builders;
    struct call *calls; /* waiting or on their way; doubly linked */
    size_t in_flight;
    struct line line;
    struct settled *settled_first, **settled_last; /* ended inside execute_plan */
    bool executing;
};

struct call *call_new(struct executor *executor, const struct action *action);
/* Gets in line and goes on in on_answer; ends the call with DONE_AGAIN when it cannot be sent.
 * request is taken. write: see struct call. */
void call_send(struct call *call, struct request *take_request, const char *write,
               answer_fn *on_answer);
/* Frees the call. pod is taken; the rest of done is copied if need be. */
void call_end(struct call *call, const struct done *done);
void call_end_text(struct call *call, enum done_result result, const char *message);
/* By result_of. */
void call_end_response(struct call *call, const struct kube_response *response);

/* execute_status.c */
void start_status(struct call *call, const struct action *action);
void start_finalizer(struct call *call, const struct action *action);

#endif
