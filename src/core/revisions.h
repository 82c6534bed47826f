/* SPDX-License-Identifier: Apache-2.0 */
/* revisions.h - what revisions.c keeps of job definitions; a part of internal.h, which includes it
 */
#ifndef BULKHEAD_CORE_REVISIONS_H
#define BULKHEAD_CORE_REVISIONS_H

#include "internal.h"

struct core_revision { /* one content of a definition */
    char *key;         /* namespace/name of the ControllerRevision */
    struct core_definition *of;
    struct job_definition *spec; /* never changes, but for the UID of one that is stored again */
    size_t users;                /* jobs that have it and have not ended for all to see */
    bool stored;                 /* the API server has it */
    bool leaving;                /* a delete was sent: no further job gets it */
    int flights;
    struct core_revision *next; /* of the definition, the newest first */
};

struct core_definition { /* a JobDefinition by its UID, for as long as a revision of it is left */
    char *key;           /* namespace/name */
    char *uid;
    struct job_definition *spec; /* NULL: gone, or not seen yet */
    bool gone;
    struct core_revision *revisions;
    int64_t latest;         /* the highest number that was ever given */
    bool newest_is_current; /* the newest revision has the content of spec */
    bool create_in_flight;
    char *obstacle; /* why the content cannot be stored; NULL: none */
    int retry_level;
    uint64_t written_hash; /* of its status */
    bool status_in_flight, status_failed;
    bool to_look; /* in core->definitions_to_look: something may have to be done */
    struct core_definition *look_next;
    int flights;
    struct timer timer; /* after a failure: when it is tried again */
    struct core_runs runs;
    struct run_history told_runs; /* as its status tells it, or is to */
    struct timer tell_timer;      /* set: there are others */
};

/* Something may have to be done about it. */
void definition_look(struct core *core, struct core_definition *definition);
void definition_apply(struct core *core, struct job_definition *take_spec);
void definition_gone(struct core *core, const char *key);
void definition_timer(struct core *core, struct core_definition *definition);
void definitions_free(struct core *core); /* at the very end */
void revision_apply(struct core *core, struct job_definition *take_content);
void revision_gone(struct core *core, const char *key, const char *uid);
/* Gives the job its revision, as soon as that is stored; it keeps it until revision_unpin. */
void revision_pin(struct core *core, struct core_job *job);
/* At EVENT_SYNCED: a pod of it says which one it has. That counts for more than the job's status,
 * which a dead process may have written late. */
void revision_pin_by_pod(struct core_job *job, const struct pod *seen);
/* Why it has none yet, with words. VERDICT_NONE: it names none, or will never get it. */
enum verdict revision_missing(struct core *core, const struct core_job *job, struct str *words);
void revision_unpin(struct core *core, struct core_job *job);
void revision_tell(struct core *core, const struct core_job *job, struct job_status *status);
void revisions_plan(struct core *core);
void revision_done(struct core *core, struct flight *flight, struct done *done);

#endif
