/* SPDX-License-Identifier: Apache-2.0 */
/* tell.c - changes of state for the event sink: in order for each job, at least once
 *
 * There is no queue of events. A job knows the last change that the sink has taken (told) and how
 * far it has come (reached); what lies between follows from these and from the tries that its
 * status keeps, so what is left to tell is worked out when it can be sent. What the sink has taken
 * is written into the job's status along with whatever else is written, and once more when the sink
 * has taken the end. So a process that is started again knows from where to tell again: twice at
 * worst, and with the same id.
 *
 * What is told   A try is RUNNABLE, STARTING once its pod is known to exist, RUNNING once a
 *                container started. The end is told when it is durable. A multi-node job goes as
 *                its main node does. An array: PENDING and its end, as on AWS. Of a job that is
 *                deleted before it ended, the end is FAILED; it is told from memory only.
 * Bounds         tells_max under way, one of a job at a time; a pause after a failure, which grows
 *                up to PAUSE_LEVEL_MAX, and one probe at its end; GONE_MAX jobs that are deleted
 *                already, for keep_ns. Deletion after ttlSecondsAfterFinished waits as long.
 * Nothing else waits for the sink. */
#include "tell.h"
#include "internal.h"

#include <string.h>

enum { GONE_MAX = 1024, PAUSE_LEVEL_MAX = 8 };
static const int64_t pause_ns_min = 250 * NS_PER_MS; /* doubled at each level: up to 64 s */
static const int64_t keep_ns = 3600 * NS_PER_S;

static bool is_end(struct state_mark mark)
{
    return mark.phase >= JOB_SUCCEEDED;
}

/* ------------------------------------------------------------------- what is next */

/* The one whose life is the job's: the only child, or the main node. */
static uint32_t leader(const struct core_job *job)
{
    return job->gang ? job->main_node : 0;
}

static const struct job_try *record_of(const struct core_job *job, uint32_t number)
{
    for (size_t i = 0; i < job->try_count; i++) {
        if (job->tries[i].try == number && job->tries[i].index == leader(job))
            return &job->tries[i];
    }
    return NULL;
}

static uint32_t last_record(const struct core_job *job)
{
    for (size_t i = job->array ? 0 : job->try_count; i > 0; i--) {
        const struct job_try *record = &job->tries[i - 1];
        if (record->index == leader(job))
            return record->try;
    }
    return 0;
}

/* How far a job that has not ended has come. */
static struct state_mark reached_now(const struct core_job *job)
{
    if (job->array)
        return (struct state_mark){0, job->ended ? JOB_PENDING : job->phase};
    const struct child *child = job->children != NULL ? &job->children[leader(job)] : NULL;
    if (child == NULL || child->phase >= JOB_SUCCEEDED)
        return job->reached;
    if (child->phase < JOB_RUNNABLE)
        return (struct state_mark){0, (enum job_phase)child->phase};
    const struct core_pod *pod = child->pod;
    uint32_t number = child->attempts + child->refusals + 1U;
    if (pod != NULL)
        number = pod->try;
    bool there = pod != NULL && pod->state >= PODS_LIVE;
    if (child->phase == JOB_STARTING && !there)
        return (struct state_mark){number, JOB_RUNNABLE};
    return (struct state_mark){number, (enum job_phase)child->phase};
}

/* last: the latest try that is known of. Of one before it that left no trace it is certain only
 * that the job was RUNNABLE then; that is told after a restart too, as it was before. */
static bool was_passed(const struct core_job *job, struct state_mark mark, uint32_t last)
{
    const struct job_try *record = record_of(job, mark.try);
    if (record != NULL)
        return mark.phase != JOB_RUNNING || record->started_ns != 0;
    if (mark.try < last)
        return mark.phase == JOB_RUNNABLE;
    return mark.try == job->reached.try && state_mark_order(mark) <= state_mark_order(job->reached);
}

static bool next_of_tries(const struct core_job *job, struct state_mark *ret_mark)
{
    uint32_t last = last_record(job);
    if (job->reached.try > last)
        last = job->reached.try;
    for (uint32_t try = job->told.try > 0 ? job->told.try : 1; try <= last; try++) {
        for (enum job_phase phase = JOB_RUNNABLE; phase <= JOB_RUNNING; phase++) {
            struct state_mark mark = {try, phase};
            /* A try that left no trace but its number: the job has been RUNNABLE all along. */
            bool again = phase == JOB_RUNNABLE && job->told.phase == JOB_RUNNABLE;
            if (again || state_mark_order(mark) <= state_mark_order(job->told) ||
                !was_passed(job, mark, last))
                continue;
            *ret_mark = mark;
            return true;
        }
    }
    return false;
}

/* The change to tell next; false: the sink has heard all there is. */
static bool next_mark(const struct core_job *job, struct state_mark *ret_mark)
{
    static const struct state_mark pending = {0, JOB_PENDING};
    bool over = job->gone || (job->ended && job->end_durable);
    bool waits_first = job->array || job->dependency_count > 0;
    uint64_t told = state_mark_order(job->told);
    bool beyond =
        over || job->try_count > 0 || state_mark_order(job->reached) >= state_mark_order(pending);
    if (is_end(job->told))
        return false;
    if (waits_first && beyond && told < state_mark_order(pending)) {
        *ret_mark = pending;
        return true;
    }
    if (!job->array && next_of_tries(job, ret_mark))
        return true;
    *ret_mark = (struct state_mark){last_record(job), job->ended ? job->phase : JOB_FAILED};
    return over;
}

/* --------------------------------------------------------------------- the lines */

static void line_remove(struct core_job *job)
{
    struct tell_line *line = job->tell_line;
    if (line == NULL)
        return;
    if (job->tells_prev != NULL)
        job->tells_prev->tells_next = job->tells_next;
    else
        line->first = job->tells_next;
    if (job->tells_next != NULL)
        job->tells_next->tells_prev = job->tells_prev;
    else
        line->last = job->tells_prev;
    line->count--;
    job->tell_line = NULL;
}

static void line_add(struct tell_line *line, struct core_job *job)
{
    job->tell_line = line;
    job->tells_next = NULL;
    job->tells_prev = line->last;
    if (line->last != NULL)
        line->last->tells_next = job;
    else
        line->first = job;
    line->last = job;
    line->count++;
}

static size_t line_room(const struct core *core, const struct tell_line *line)
{
    size_t most = line->level > 0 ? 1 : core->options.tells_max; /* one asks whether it is back */
    if (core->now_ns < line->until_ns || line->in_flight >= most)
        return 0;
    return most - line->in_flight;
}

static void line_failed(struct core *core, struct tell_line *line)
{
    if (core->now_ns < line->until_ns)
        return; /* others of the same trouble */
    line->until_ns = core->now_ns + (pause_ns_min << line->level);
    if (line->level < PAUSE_LEVEL_MAX)
        line->level++;
}

static void line_well(struct tell_line *line)
{
    line->level = 0;
    line->until_ns = 0;
}

/* Puts a job of which nothing is under way where it belongs. */
static void enlist(struct core *core, struct core_job *job)
{
    struct state_mark ignored;
    if (core->options.tells_max == 0 || !core->synced || !job->tells || job->tell_line != NULL ||
        job->tell_in_flight)
        return;
    if (next_mark(job, &ignored))
        line_add(&core->tells, job);
    else if (is_end(job->told) && !job->told_durable && !job->gone && !job->delete_sent)
        line_add(&core->tolds, job);
}

int64_t tell_wake_ns(const struct core *core)
{
    const struct tell_line *lines[] = {&core->tells, &core->tolds};
    int64_t wake_ns = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (lines[i]->first != NULL && lines[i]->until_ns > core->now_ns &&
            lines[i]->until_ns < wake_ns)
            wake_ns = lines[i]->until_ns;
    }
    return wake_ns;
}

/* ------------------------------------------------------------------- what happens */

void tell_load(struct core *core, struct core_job *job)
{
    struct state_mark mark = {0, JOB_SUBMITTED};
    bool known = state_mark_parse(job->spec->status.delivered, &mark);
    /* What had ended before there was a sink is nobody's news. */
    job->tells = known || (core->options.tells_max > 0 && !job->ended);
    job->told = job->reached = mark;
    job->told_durable = is_end(mark);
    enlist(core, job);
}

void tell_look(struct core *core, struct core_job *job)
{
    if (core->options.tells_max == 0 || !job->tells || job->gone)
        return;
    struct state_mark now = reached_now(job);
    if (state_mark_order(now) > state_mark_order(job->reached)) {
        job->reached = now;
        job->reached_ns = core->now_ns;
    }
    enlist(core, job);
}

bool tell_holds(const struct core *core, const struct core_job *job)
{
    return core->options.tells_max > 0 && job->tells && !is_end(job->told) &&
           core->now_ns < job->stopped_ns + keep_ns;
}

void tell_job_gone(struct core *core, struct core_job *job)
{
    struct state_mark ignored;
    line_remove(job);
    if (core->options.tells_max == 0 || !core->synced || !job->tells || !next_mark(job, &ignored))
        return;
    job->reached_ns = core->now_ns;
    if (core->tells_gone >= GONE_MAX) {
        core->counts.tells_lost++;
        job->tells = false;
        return;
    }
    core->tells_gone++;
    job->tell_held = true;
    enlist(core, job);
}

/* All of a deleted job is told, or it has been tried for long enough. */
static void let_go(struct core *core, struct core_job *job)
{
    if (!job->tell_held)
        return;
    job->tell_held = false;
    core->tells_gone--;
}

char *tell_delivered(struct core *core, const struct core_job *job)
{
    char text[STATE_MARK_TEXT_MAX];
    return job->tells ? arena_copy(core->arena, state_mark_print(job->told, text)) : NULL;
}

/* -------------------------------------------------------------------- the actions */

static const struct job_try *try_before(const struct core_job *job, uint32_t try)
{
    return try > 1 ? record_of(job, try - 1) : NULL;
}

static int64_t start_of(const struct core_job *job, struct state_mark mark)
{
    const struct job_try *record = record_of(job, mark.try);
    const struct core_pod *pod = job->children != NULL ? job->children[leader(job)].pod : NULL;
    if (job->array || mark.phase < JOB_RUNNING)
        return 0;
    if (record != NULL)
        return record->started_ns;
    return pod != NULL && pod->try == mark.try ? pod->started_ns : 0;
}

/* When it happened, as far as that is known; else when it is told. */
static int64_t time_of(const struct core *core, const struct core_job *job, struct state_mark mark)
{
    const struct job_try *before = try_before(job, mark.try);
    int64_t ns = 0;
    if (is_end(mark))
        ns = job->ended ? job->stopped_ns : job->reached_ns;
    else if (mark.phase == JOB_PENDING)
        ns = job->spec->meta.created_ns;
    else if (mark.phase == JOB_RUNNING)
        ns = start_of(job, mark);
    else if (state_mark_order(mark) == state_mark_order(job->reached))
        ns = job->reached_ns;
    else if (mark.phase == JOB_RUNNABLE && before != NULL)
        ns = before->stopped_ns;
    return ns != 0 ? ns : core->now_ns;
}

static const char *words_of(const struct core_job *job, struct state_mark mark)
{
    const struct job_try *before = try_before(job, mark.try);
    if (is_end(mark))
        return job->ended ? job->end_message : "the BatchJob was deleted";
    return mark.phase == JOB_RUNNABLE && before != NULL ? before->status_reason : NULL;
}

/* Of the tries that have ended by then; texts stay the job's. */
static void fill_tries(struct core *core, const struct core_job *job, struct state_change *change)
{
    struct job_try *tries = arena_alloc(core->arena, sizeof(job->tries));
    for (size_t i = 0; i < job->try_count && !job->array; i++) {
        const struct job_try *record = &job->tries[i];
        if (record->index == leader(job) &&
            (is_end(change->mark) || record->try < change->mark.try))
            tries[change->try_count++] = *record;
    }
    change->tries = tries;
}

static struct state_change *change_of(struct core *core, const struct core_job *job,
                                      struct state_mark mark)
{
    struct state_change *change = arena_alloc(core->arena, sizeof(*change));
    *change = (struct state_change){
        .job = job->spec,
        .mark = mark,
        .time_ns = time_of(core, job, mark),
        .started_ns = start_of(job, mark),
        .stopped_ns = is_end(mark) ? time_of(core, job, mark) : 0,
        .status_reason = words_of(job, mark),
        .counts = job->array && !job->gone ? job->counts : NULL,
        .size = job->size,
        .cancelled = job->cancelled && !job->terminated,
        .terminated = job->terminated,
    };
    fill_tries(core, job, change);
    return change;
}

static struct action *job_action(struct core *core, enum action_kind kind, struct core_job *job)
{
    struct action *action = action_new(core, kind, job);
    action->namespace_ = job->spec->meta.namespace_;
    action->name = job->spec->meta.name;
    action->uid = job->uid;
    job->tell_in_flight = true;
    return action;
}

static void plan_tells(struct core *core)
{
    struct tell_line *line = &core->tells;
    while (line->first != NULL && line_room(core, line) > 0 && plan_has_room(core)) {
        struct core_job *job = line->first;
        line_remove(job);
        if (job->gone && core->now_ns > job->reached_ns + keep_ns) {
            core->counts.tells_lost++;
            let_go(core, job);
        } else if (next_mark(job, &job->telling)) {
            struct action *action = job_action(core, ACTION_JOB_TELL, job);
            action->change = change_of(core, job, job->telling);
            line->in_flight++;
        }
    }
}

static void plan_tolds(struct core *core)
{
    struct tell_line *line = &core->tolds;
    while (line->first != NULL && line_room(core, line) > 0 && plan_has_room(core)) {
        struct core_job *job = line->first;
        line_remove(job);
        if (job->delete_sent)
            continue;
        struct action *action = job_action(core, ACTION_JOB_TOLD, job);
        action->message = tell_delivered(core, job);
        line->in_flight++;
    }
}

void tell_plan(struct core *core)
{
    plan_tells(core);
    plan_tolds(core);
}

static void taken(struct core *core, struct core_job *job)
{
    job->told = job->telling;
    if (!is_end(job->told))
        return;
    let_go(core, job);
    if (!job->gone) { /* its time after the end may be over */
        job->delete_retry_ns = 0;
        job_timer_set(core, job);
    }
}

static void tell_answered(struct core *core, struct core_job *job, enum done_result result)
{
    core->tells.in_flight--;
    if (result == DONE_OK || result == DONE_REFUSED) {
        core->counts.tells_refused += result == DONE_REFUSED;
        line_well(&core->tells);
        taken(core, job);
    } else {
        line_failed(core, &core->tells);
    }
}

static void told_answered(struct core *core, struct core_job *job, const struct done *done)
{
    bool over = done->result == DONE_OK || done->result == DONE_NOT_FOUND ||
                done->result == DONE_CONFLICT || done->result == DONE_REFUSED;
    core->tolds.in_flight--;
    if (done->resource_version != NULL)
        text_set(&job->resource_version, done->resource_version);
    if (over) {
        line_well(&core->tolds);
        job->told_durable = true;
    } else {
        line_failed(core, &core->tolds);
    }
}

void tell_action_done(struct core *core, struct flight *flight, const struct done *done)
{
    struct core_job *job = flight->object;
    bool tell = flight->kind == ACTION_JOB_TELL;
    flight_end(core, flight);
    job->tell_in_flight = false;
    if (tell)
        tell_answered(core, job, done->result);
    else
        told_answered(core, job, done);
    enlist(core, job);
}
