/* SPDX-License-Identifier: Apache-2.0 */
/* family.c - jobs that were submitted by a job
 *
 * The link is an ownerReference of kind BatchJob on the submitted job, in the same namespace. Who
 * deletes the parent deletes its children, which is the work of the cluster's garbage collection.
 * What is done here: who cancels or terminates the parent as a whole, also after it has ended, does
 * the same to every job below it that has not ended, through those in between that have. A parent
 * that ends by itself leaves its children alone.
 *
 * Nothing is recorded. What was asked is in the spec of the one it was asked of, and what follows
 * from it is worked out again at start-up. A job that was stopped through its parent and has lost
 * it since (kubectl delete --cascade=orphan) is known by its own status. */
#include "family.h"

#include <stdlib.h>
#include <string.h>

enum asked { ASKED_NOTHING, ASKED_CANCEL, ASKED_TERMINATE };

struct family { /* those who name one parent, whether it is there or not */
    char *parent_uid;
    struct family_member *first;
    enum asked passed_on; /* to all who were in it then; who joins later asks for itself */
};

struct family_member {
    struct core_job *job;
    struct family *family; /* NULL: it names no parent any more */
    struct family_member *prev, *next;
    enum asked inherited;
    char *reason, *origin; /* verbatim, and the name of the job it was asked of; NULL: nothing */
};

/* ------------------------------------------------------------------- who belongs to whom */

static void leave(struct core *core, struct family_member *member)
{
    struct family *family = member->family;
    if (family == NULL)
        return;
    if (member->prev != NULL)
        member->prev->next = member->next;
    else
        family->first = member->next;
    if (member->next != NULL)
        member->next->prev = member->prev;
    member->prev = member->next = NULL;
    member->family = NULL;
    if (family->first != NULL)
        return;
    map_remove(core->families, family->parent_uid);
    free(family->parent_uid);
    free(family);
}

void family_join(struct core *core, struct core_job *job)
{
    const char *parent = job->spec->parent_uid;
    struct family_member *member = job->family;
    if (member == NULL ? parent == NULL
                       : member->family != NULL && text_eq(member->family->parent_uid, parent))
        return;
    if (member == NULL) {
        member = job->family = mem_new(sizeof(*member));
        member->job = job;
    }
    leave(core, member);
    if (parent == NULL)
        return;
    struct family *family = map_get(core->families, parent);
    if (family == NULL) {
        family = mem_new(sizeof(*family));
        family->parent_uid = text_copy(parent);
        map_put(core->families, parent, family);
    }
    member->family = family;
    member->next = family->first;
    if (family->first != NULL)
        family->first->prev = member;
    family->first = member;
}

void family_leave(struct core *core, struct core_job *job)
{
    if (job->family == NULL)
        return;
    leave(core, job->family);
    free(job->family->reason);
    free(job->family->origin);
    free(job->family);
    job->family = NULL;
}

/* NULL: it has none, that one is not there, or it is in another namespace, where an owner means
 * nothing. */
static struct core_job *parent_of(const struct core *core, const struct core_job *job)
{
    const struct family *family = job->family != NULL ? job->family->family : NULL;
    struct core_job *parent = family != NULL ? map_get(core->jobs, family->parent_uid) : NULL;
    bool same =
        parent != NULL && text_eq(parent->spec->meta.namespace_, job->spec->meta.namespace_);
    return same ? parent : NULL;
}

/* ------------------------------------------------------------------- what is asked of them */

struct ask { /* of a whole job */
    enum asked what;
    const char *reason, *of; /* borrowed; of: the name of the job that it was asked of */
};

/* By itself or through its parent. */
static struct ask asked_of(const struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    const struct family_member *member = job->family;
    struct ask ask = {0};
    if (member != NULL)
        ask = (struct ask){member->inherited, member->reason, member->origin};
    for (size_t i = 0; i < spec->request_count; i++) {
        const struct job_request *request = &spec->requests[i];
        enum asked here = request->action == JOB_TERMINATE ? ASKED_TERMINATE : ASKED_CANCEL;
        if (request->indexes == NULL && here > ask.what)
            ask = (struct ask){here, request->reason, spec->meta.name};
    }
    return ask;
}

static char *stop_words(const struct ask *ask, const char *parent)
{
    if (text_eq(ask->of, parent))
        return text_printf("%s (asked of its parent job %s)", ask->reason, parent);
    return text_printf("%s (asked of job %s, through its parent job %s)", ask->reason, ask->of,
                       parent);
}

static void stop(struct core *core, struct core_job *job, const struct ask *ask, const char *parent)
{
    const struct job_status *told = &job->spec->status;
    if (!job_is_stopped(job))
        job->stop_reason = stop_words(ask, parent);
    job->terminated |= ask->what == ASKED_TERMINATE;
    job->cancelled |= ask->what == ASKED_CANCEL;
    if (told->terminated != job->terminated || (job->cancelled && !told->cancelled))
        job_changed(core, job, NS_PER_S); /* the parent may be gone one day */
}

/* Takes on what was asked of the parent. True: that is more than before. */
static bool inherit(struct core *core, struct core_job *job)
{
    const struct core_job *parent = parent_of(core, job);
    struct ask ask = parent != NULL ? asked_of(parent) : (struct ask){0};
    if (ask.what == ASKED_NOTHING || ask.what <= job->family->inherited)
        return false;
    job->family->inherited = ask.what;
    text_set(&job->family->reason, ask.reason);
    text_set(&job->family->origin, ask.of);
    if (!job->ended) /* else it is told already how; those below it take it on */
        stop(core, job, &ask, parent->spec->meta.name);
    return true;
}

void family_settle(struct core *core, struct core_job *job)
{
    struct family *family = map_get(core->families, job->uid);
    if (family == NULL)
        return;
    family->passed_on = asked_of(job).what;
    struct family_member *next;
    for (struct family_member *m = family->first; m != NULL; m = next) {
        next = m->next;
        if (!inherit(core, m->job))
            continue;
        if (!core->adopting && !m->job->ended && m->job->children != NULL)
            job_stop_children(core, m->job, m->job->terminated);
        depend_look_family(core, m->job);
    }
}

void family_look(struct core *core, struct core_job *job)
{
    if (inherit(core, job) && !job->ended && job->children != NULL)
        job_stop_children(core, job, job->terminated);
    const struct family *family = map_get(core->families, job->uid);
    if (family != NULL && asked_of(job).what > family->passed_on)
        depend_look_family(core, job);
}

/* An orphan by now: its own status says what had been asked of its parent. */
static void orphan_load(const struct core *core, struct core_job *job)
{
    const struct job_status *status = &job->spec->status;
    if (job->ended || job_is_stopped(job) || parent_of(core, job) != NULL ||
        !(status->cancelled || status->terminated) || status->blocked_since_ns != 0)
        return;
    job->terminated = status->terminated;
    job->cancelled = status->cancelled;
    job->stop_reason = text_copy(status->terminated ? "its parent job was terminated"
                                                    : "its parent job was cancelled");
}

/* Only noted (core->adopting): what runs of these jobs is not known yet. */
void family_begin(struct core *core)
{
    size_t at = 0;
    struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (asked_of(job).what != ASKED_NOTHING)
            family_settle(core, job);
        orphan_load(core, job);
    }
    depend_settle(core); /* passes it on to those further below */
}
