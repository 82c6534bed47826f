/* SPDX-License-Identifier: Apache-2.0 */
/* order_fuzz.c - bytes as queues, shares and their jobs on one node, beside the formulas of
 * docs/scheduling.md sections 1 and 2, worked out anew for each start
 *
 * Up to three queues (FIFO, BEST_EFFORT_FIFO, or with shares) of some priorities; then jobs and
 * arrays come, pods end, queues are closed and opened, time goes on. Of every start must hold that
 * it is the one that the formulas ask for at that moment, and of every moment at which something
 * happened that they ask for none more. What was used is worked out from every pod there ever was;
 * nothing here is shared with the core but the world that drives it. */
#include "fuzz/fuzz.h"

#include "core/world.h"

#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum {
    QUEUES = 3,
    SHARES = 7,
    JOBS_MAX = 40,
    PODS_MAX = 400,
    STEPS_MAX = 96,
    TOGGLES_MAX = 12,     /* the world keeps every word of a queue's line */
    HALF_LIVES = 7,       /* later the unit of the core's sums changes, and they are rounded */
    SECONDS_MAX = 7 * 75, /* of the longest half-life below */
    STAIRS = 64,          /* of a half-life */
    EPOCH_S = 1000,       /* the world's second 0 */
};

enum kind { FIFO, BEST_EFFORT, FAIR, KINDS };

static const char *const share_names[SHARES] = {"u1", "u2", "u3", "v", "w", "x", "y"};
static const int64_t windows_s[] = {3, 12, 41, 160, 300}; /* shareDecaySeconds */
static const struct {
    const char *text;
    int64_t parts; /* ten thousandths */
} weights[] = {{"0.0001", 1}, {"0.5", 5000}, {"1", 10000}, {"2.5", 25000}, {"999.9999", 9999999}};

struct job {
    int queue, share, priority;
    int64_t halves, created_s; /* halves of a CPU, each child */
    int size, started, ended;
};

struct charge {
    int job, index;
    int64_t from_s, to_s; /* -1: it runs */
};

struct sketch {
    enum kind kinds[QUEUES];
    int priorities[QUEUES], queue_count, toggles;
    bool closed[QUEUES];
    int64_t halves, free; /* of the node */
    int64_t half_life_s, window_s, now_s;
    int64_t group_weight, v_weight;
    struct job jobs[JOBS_MAX];
    int job_count;
    struct charge pods[PODS_MAX];
    int pod_count;
    int64_t busy_s[QUEUES][SHARES]; /* when it last had a job or pod that then ended; -1: never */
    int forgotten[QUEUES][SHARES];  /* so many of the first pods are from before it was forgotten */
    wide before[SECONDS_MAX + 1];   /* the weight of all seconds before that one */
    struct world *world;
    size_t read; /* of its log */
};

/* ------------------------------------------------------------------------ section 2 */

/* Twice as much with each half-life, in 64 even stairs, the first at its multiples. What the unit
 * is does not matter: some lives ago. */
static wide second_weight(const struct sketch *sketch, int64_t s)
{
    int64_t half_s = sketch->half_life_s, at_s = EPOCH_S + s;
    int64_t stair = at_s % half_s * STAIRS / half_s;
    wide weight = (wide)llround(4096 * exp2((double)stair / STAIRS));
    return weight << (at_s / half_s - EPOCH_S / half_s);
}

static wide times(wide sum, int64_t count)
{
    wide factor = (wide)count;
    return sum * factor;
}

static bool is_active(const struct sketch *sketch, int queue, int share)
{
    for (int i = 0; i < sketch->job_count; i++) {
        const struct job *job = &sketch->jobs[i];
        if (job->queue == queue && job->share == share && job->ended < job->size)
            return true;
    }
    int64_t busy_s = sketch->busy_s[queue][share];
    return busy_s >= 0 && sketch->now_s < busy_s + sketch->window_s;
}

static bool in_group(int share)
{
    return share_names[share][0] == 'u';
}

static wide weighed_use(const struct sketch *sketch, int queue, int share)
{
    wide use = 0;
    int64_t running = 0, active = 0;
    for (int i = sketch->forgotten[queue][share]; i < sketch->pod_count; i++) {
        const struct charge *pod = &sketch->pods[i];
        const struct job *job = &sketch->jobs[pod->job];
        if (job->queue != queue || job->share != share)
            continue;
        int64_t to_s = pod->to_s >= 0 ? pod->to_s : sketch->now_s;
        if (pod->to_s == pod->from_s)
            to_s++; /* a second at least */
        wide seconds = sketch->before[to_s] - sketch->before[pod->from_s];
        use += times(seconds, job->halves * 500);
        running += pod->to_s < 0 ? job->halves * 500 : 0;
    }
    use += times(second_weight(sketch, sketch->now_s), running * sketch->half_life_s);
    for (int other = 0; in_group(share) && other < SHARES; other++)
        active += in_group(other) && is_active(sketch, queue, other);
    int64_t weight = in_group(share)                ? sketch->group_weight
                     : share_names[share][0] == 'v' ? sketch->v_weight
                                                    : 10000;
    return times(use, weight * (active > 1 ? active : 1));
}

/* ------------------------------------------------------------------------ section 1 */

/* A job that could never run is not in the way. */
static bool waits(const struct sketch *sketch, const struct job *job, int queue)
{
    return job->queue == queue && job->started < job->size && job->halves <= sketch->halves;
}

static bool older(const struct sketch *sketch, int a, int b)
{
    int64_t a_s = sketch->jobs[a].created_s, b_s = sketch->jobs[b].created_s;
    return a_s != b_s ? a_s < b_s : a < b; /* their names have the order of their numbers */
}

/* The first that waits of the queue, or of one of its shares; of those that fit, if it asks for
 * that. -1: none. */
static int oldest(const struct sketch *sketch, int queue, int share, bool fitting)
{
    int best = -1;
    for (int i = 0; i < sketch->job_count; i++) {
        const struct job *job = &sketch->jobs[i];
        if (!waits(sketch, job, queue) || (share >= 0 && job->share != share) ||
            (fitting && job->halves > sketch->free))
            continue;
        bool ahead = best < 0;
        if (!ahead && share >= 0 && job->priority != sketch->jobs[best].priority)
            ahead = job->priority > sketch->jobs[best].priority;
        else if (!ahead)
            ahead = older(sketch, i, best);
        best = ahead ? i : best;
    }
    return best;
}

static int head_of_shares(const struct sketch *sketch, int queue)
{
    int best = -1;
    wide least = 0;
    for (int share = 0; share < SHARES; share++) {
        int first = oldest(sketch, queue, share, false);
        if (first < 0)
            continue;
        wide use = weighed_use(sketch, queue, share);
        if (best < 0 || use < least) { /* of equal ones the first of the alphabet */
            best = first;
            least = use;
        }
    }
    return best;
}

/* By priority, then name; none while one before it was taken. */
static int next_queue(const struct sketch *sketch, unsigned seen)
{
    int best = -1;
    for (int q = 0; q < sketch->queue_count; q++) {
        if ((seen >> q & 1) == 0 && (best < 0 || sketch->priorities[q] > sketch->priorities[best]))
            best = q;
    }
    return best;
}

/* The job of which a child is to start now; -1: none. */
static int next_start(const struct sketch *sketch)
{
    unsigned seen = 0;
    int queue;
    while ((queue = next_queue(sketch, seen)) >= 0) {
        seen |= 1U << queue;
        if (sketch->closed[queue])
            continue;
        bool fair = sketch->kinds[queue] == FAIR;
        int head = fair ? head_of_shares(sketch, queue) : oldest(sketch, queue, -1, false);
        if (head >= 0 && sketch->kinds[queue] == BEST_EFFORT &&
            sketch->jobs[head].halves > sketch->free) {
            int passing = oldest(sketch, queue, -1, true);
            head = passing >= 0 ? passing : head;
        }
        if (head >= 0)
            return sketch->jobs[head].halves <= sketch->free ? head : -1; /* it holds the node */
    }
    return -1;
}

/* ------------------------------------------------------------------- beside the core */

static void start(struct sketch *sketch, int number, int index)
{
    struct job *job = &sketch->jobs[number];
    MUST(sketch->pod_count < PODS_MAX && job->started < job->size);
    sketch->pods[sketch->pod_count++] = (struct charge){number, index, sketch->now_s, -1};
    sketch->free -= job->halves;
    job->started++;
}

/* Every start that the core has made since is the one that the formulas ask for. */
static void follow(struct sketch *sketch)
{
    int64_t now_s = sketch->now_s;
    const char *log = world_log(sketch->world);
    while (log[sketch->read] != '\0') {
        char *rest; /* "12s start j03/7 on n1" */
        sketch->now_s = strtoll(log + sketch->read, &rest, 10);
        int number = -1;
        if (text_starts(rest, "s start j"))
            number = (int)strtol(rest + strlen("s start j"), &rest, 10);
        int want = next_start(sketch);
        if (number < 0 || number != want)
            fprintf(stderr, "%s\n(the formulas ask for j%02d)\n", log + sketch->read, want);
        MUST(number >= 0 && number == want && *rest == '/');
        start(sketch, number, (int)strtol(rest + 1, NULL, 10));
        sketch->read += strcspn(log + sketch->read, "\n") + 1;
    }
    sketch->now_s = now_s;
}

static void run(struct sketch *sketch, struct str *script)
{
    str_addf(script, "at %llds\n", (long long)sketch->now_s);
    world_run(sketch->world, str_text(script));
    str_clear(script);
    follow(sketch);
    int left = next_start(sketch);
    if (left >= 0)
        fprintf(stderr, "at %llds j%02d does not start\n", (long long)sketch->now_s, left);
    MUST(left < 0);
}

static void submit(struct sketch *sketch, struct str *script, int queue, const uint8_t bytes[2])
{
    if (sketch->job_count == JOBS_MAX)
        return;
    int share = bytes[0] % SHARES;
    if (!is_active(sketch, queue, share))
        sketch->forgotten[queue][share] = sketch->pod_count;
    int number = sketch->job_count++;
    struct job *job = &sketch->jobs[number];
    *job = (struct job){
        .queue = queue,
        .share = share,
        .priority = bytes[0] / SHARES % 3,
        .halves = 1 + bytes[1] % 12,
        .size = 1 + bytes[1] / 12 % 8,
        .created_s = sketch->now_s - bytes[0] / (SHARES * 3),
    };
    job->created_s = job->created_s > 0 ? job->created_s : 0;
    str_addf(script, "job j%02d queue=q%d cpu=%dm array=%d start=99999s created=%llds", number,
             queue, (int)job->halves * 500, job->size, (long long)job->created_s);
    if (sketch->kinds[queue] == FAIR)
        str_addf(script, " share=%s prio=%d", share_names[job->share], job->priority);
    str_add(script, "\n");
}

/* Each that runs and whose bit is set: of the eight last ones. */
static void end_pods(struct sketch *sketch, struct str *script, uint8_t which)
{
    int bit = 0;
    for (int i = sketch->pod_count - 1; i >= 0 && bit < 8; i--) {
        struct charge *pod = &sketch->pods[i];
        struct job *job = &sketch->jobs[pod->job];
        if (pod->to_s >= 0 || (which >> bit++ & 1) == 0)
            continue;
        pod->to_s = sketch->now_s;
        job->ended++;
        sketch->free += job->halves;
        sketch->busy_s[job->queue][job->share] = sketch->now_s;
        str_addf(script, "pod j%02d/%d ok\n", pod->job, pod->index);
    }
}

static void declare(struct sketch *sketch, struct str *script, const uint8_t bytes[4])
{
    size_t group = bytes[2] % 5, single = bytes[2] / 5 % 5;
    sketch->halves = sketch->free = 2 + bytes[0] % 15;
    sketch->queue_count = 1 + bytes[0] / 15 % QUEUES;
    sketch->window_s = windows_s[bytes[1] % 5];
    sketch->half_life_s = sketch->window_s > 4 ? sketch->window_s / 4 : 1;
    sketch->group_weight = weights[group].parts;
    sketch->v_weight = weights[single].parts;
    str_addf(
        script,
        "environment e static\nnode n1 env=e cpu=%dm\npolicy p decay=%llds weights=u*:%s,v:%s\n",
        (int)sketch->halves * 500, (long long)sketch->window_s, weights[group].text,
        weights[single].text);
    static const char *const words[KINDS] = {"", " besteffort", " policy=p"};
    for (int q = 0, kinds = bytes[3]; q < sketch->queue_count; q++, kinds /= KINDS * 2) {
        sketch->kinds[q] = (enum kind)(kinds % KINDS);
        sketch->priorities[q] = kinds / KINDS % 2;
        str_addf(script, "queue q%d envs=e priority=%d%s\n", q, sketch->priorities[q],
                 words[sketch->kinds[q]]);
    }
    for (int64_t s = 0; s < HALF_LIVES * sketch->half_life_s; s++)
        sketch->before[s + 1] = sketch->before[s] + second_weight(sketch, s);
    memset(sketch->busy_s, -1, sizeof(sketch->busy_s));
}

/* One thing that happens; how many bytes it took. */
static size_t step(struct sketch *sketch, struct str *script, const uint8_t *bytes, size_t size)
{
    int queue = bytes[0] / 8 % sketch->queue_count;
    switch (bytes[0] % 8) {
    case 0:
    case 1:
    case 2:
        if (size >= 3)
            submit(sketch, script, queue, bytes + 1);
        return 3;
    case 3:
    case 4:
        end_pods(sketch, script, bytes[1]);
        return 2;
    case 5:
        run(sketch, script);
        sketch->now_s += 1 + bytes[1] % 64;
        if (sketch->now_s < HALF_LIVES * sketch->half_life_s)
            run(sketch, script);
        return 2;
    case 6:
        if (sketch->toggles++ >= TOGGLES_MAX)
            return 1;
        sketch->closed[queue] = !sketch->closed[queue];
        str_addf(script, "queue q%d %s\n", queue, sketch->closed[queue] ? "disabled" : "enabled");
        return 1;
    default:
        run(sketch, script);
        return 1;
    }
}

FUZZ(data, size)
{
    if (size < 6)
        return 0;
    struct sketch *sketch = mem_new(sizeof(*sketch));
    AUTO(world) world = world_new(SHOW_PODS);
    AUTO_STR script = STR_EMPTY;
    sketch->world = world;
    declare(sketch, &script, data);
    run(sketch, &script);
    size_t at = 4;
    for (int i = 0; i < STEPS_MAX && at + 1 < size && sketch->pod_count < PODS_MAX - 64; i++) {
        at += step(sketch, &script, data + at, size - at);
        if (sketch->now_s >= HALF_LIVES * sketch->half_life_s)
            break;
    }
    if (sketch->now_s < HALF_LIVES * sketch->half_life_s)
        run(sketch, &script);
    free(sketch);
    return 0;
}
