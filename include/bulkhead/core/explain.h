/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - why a job waits, clause by clause, for whoever asks
 *
 * Computed when it is asked for, never in a turn: it walks the nodes of the environments of one
 * queue and at most EXPLAIN_AHEAD_MAX jobs in line. Everything in an explanation lives in the arena
 * that it was asked with. It changes nothing: no plan depends on who asks. */
#ifndef BULKHEAD_CORE_EXPLAIN_H
#define BULKHEAD_CORE_EXPLAIN_H

#include "bulkhead/core/core.h"

enum { EXPLAIN_AHEAD_MAX = 100000 };

/* One requirement, and what it rules out. */
struct explain_line {
    const char *what;   /* "cpu", "node selector zone=a", "taint gpu=yes:NoSchedule" */
    int64_t rules_out;  /* nodes or instance types */
    int64_t alone;      /* of those, nothing else rules them out */
    int64_t never;      /* of a resource: they have too little even when empty */
    const char *change; /* the one change that unblocks, and how many; NULL: there is none */
};

struct explain_table {
    int64_t all, fit; /* nodes or instance types that there are; that would take it now */
    struct explain_line *lines;
    size_t line_count;
};

struct explain_environment {
    const char *name;
    const char *reason; /* CamelCase, as in a status; NULL: work can be placed there now */
    const char *words;
    struct explain_table nodes, types;
    struct launching launching[LAUNCH_STEPS]; /* capacity on its way, if any of it is awaited */
    size_t launching_count;
};

struct explanation {
    const char *key, *uid; /* namespace/name */
    const char *queue;
    const char *phase, *reason, *message; /* as its status would tell them now */
    const char *needs;                    /* of one pod; NULL: not known */
    int64_t waiting;                      /* children that wait; 1 for a single job */
    int64_t position;                     /* in its queue, from 1; 0: it is in no line */
    int64_t in_line;                      /* jobs in line there */
    int64_t tasks_ahead;                  /* children of those before it */
    bool more_ahead;  /* more than EXPLAIN_AHEAD_MAX are before it: position is where we stopped */
    int64_t start_ns; /* earliest start, an estimate; 0: not known */
    const char *start_why; /* what it rests on, or why it is not known; NULL: it is in no line */
    bool cost_known;
    int64_t cost_amount;            /* still to be paid for it, an estimate, in millionths */
    const char *cost_why;           /* the same; NULL: nothing that it may run on has a price */
    const char *head, *head_reason; /* the first in line, if that is another */
    struct explain_environment *environments;
    size_t environment_count;
};

/* The newest job of that name; NULL: there is none. */
const char *core_job_uid(const struct core *core, const char *namespace_, const char *name);
/* False: no such job. */
bool core_explain(struct core *core, const char *uid, struct arena *arena,
                  struct explanation *ret_explanation);
/* As text for a person, lines of any length. */
void explanation_print(const struct explanation *explanation, struct str *out);

#endif
