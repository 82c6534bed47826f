/* SPDX-License-Identifier: Apache-2.0 */
/* The executor against a scripted server: each row is what the core asks for and what the server
 * answers, and wants the requests that leave and what the core is told, in order. */
#include "check.h"

#include "bulkhead/json/get.h"
#include "controller/execute.h"

#include <stdlib.h>
#include <string.h>

struct answer {
    enum kube_outcome outcome;
    const char *message; /* NULL: "" */
    const char *body;    /* JSON; NULL: none */
};

struct script {
    const struct answer *answers; /* one a request, in order */
    size_t answered;
    struct str log;
    kube_done_fn *on_done; /* of the request on its way; NULL: none */
    void *ctx;
    bool full;
    size_t deposed_after; /* answers; 0: never */
    struct memo *memo;
};

static int on_send(void *ctx, const struct kube_request *request, struct err *err)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    struct script *script = ctx;
    if (script->full)
        return err_set(err, ERR_AGAIN, "the line is full");
    size_t path_size = strcspn(request->path, "?");
    bool is_signed = strstr(request->path, "fieldManager=bulkhead-default-7") != NULL;
    bool wants = request->method != KUBE_GET && request->method != KUBE_DELETE;
    CHECK_INT(request->path, is_signed, wants);
    str_addf(&script->log, "%s %.*s\n", methods[request->method], (int)path_size, request->path);
    if (request->take_body != NULL)
        text_set(request->take_body, NULL);
    script->on_done = request->on_done;
    script->ctx = request->ctx;
    return 0;
}

static bool on_may_write(void *ctx)
{
    const struct script *script = ctx;
    return script->deposed_after == 0 || script->answered < script->deposed_after;
}

static size_t on_room(void *ctx)
{
    const struct script *script = ctx;
    return script->on_done == NULL ? 1 : 0;
}

static const char *on_manager(void *ctx)
{
    UNUSED(ctx);
    return "bulkhead-default-7";
}

static void on_fenced(void *ctx)
{
    struct script *script = ctx;
    str_add(&script->log, "fenced\n");
}

static bool on_provider(void *ctx, const struct action *action)
{
    struct script *script = ctx;
    str_addf(&script->log, "provider %s\n", action->environment);
    return strcmp(action->environment, "known") == 0;
}

static void on_event(void *ctx, const struct action *action)
{
    struct script *script = ctx;
    str_addf(&script->log, "event %s\n", action->reason);
}

static bool on_change(void *ctx, const struct action *action)
{
    struct script *script = ctx;
    str_addf(&script->log, "change %s\n", action->name);
    return strcmp(action->name, "unsent") != 0;
}

static void on_apply(void *ctx, struct event *event)
{
    static const char *const results[] = {"OK",    "EXISTS",    "NOT_FOUND", "CONFLICT", "REFUSED",
                                          "QUOTA", "FORBIDDEN", "AGAIN",     "UNKNOWN"};
    struct script *script = ctx;
    const struct done *done = &event->done;
    str_addf(&script->log, "done %llu %s", (unsigned long long)done->action_id,
             results[done->result]);
    if (done->resource_version != NULL)
        str_addf(&script->log, " rv=%s", done->resource_version);
    if (done->array_version != NULL)
        str_addf(&script->log, " array=%s", done->array_version);
    if (done->pod != NULL)
        str_addf(&script->log, " pod=%s", done->pod->meta.name);
    if (done->definition != NULL)
        str_addf(&script->log, " revision=%lld", (long long)done->definition->revision);
    if (done->uid != NULL)
        str_addf(&script->log, " uid=%s", done->uid);
    if (done->provider != PROVIDER_OK)
        str_addf(&script->log, " provider=%d", (int)done->provider);
    if (done->message != NULL)
        str_addf(&script->log, ": %s", done->message);
    str_add(&script->log, "\n");
    pod_free(done->pod);
    job_definition_free(done->definition);
}

static void on_refresh(void *ctx, enum own_kind kind, struct json_object *doc)
{
    struct script *script = ctx;
    str_addf(&script->log, "refresh %s %s\n", own_types[kind].kind,
             json_get_text(json_get_object(doc, "metadata"), "resourceVersion"));
}

static void on_write(void *ctx, const char *write, enum kube_outcome outcome)
{
    UNUSED(ctx);
    UNUSED(write);
    UNUSED(outcome);
}

static void on_done(void *ctx, enum action_kind kind, enum done_result result)
{
    UNUSED(ctx);
    UNUSED(kind);
    UNUSED(result);
}

static void on_reaction(void *ctx, int64_t took_ns)
{
    struct script *script = ctx;
    str_addf(&script->log, "reaction %lld\n", (long long)took_ns);
}

static int64_t now(void)
{
    return 1000;
}

static void answer(struct script *script)
{
    struct err err;
    const struct answer *next = &script->answers[script->answered++];
    AUTO(json_object) body = NULL;
    if (next->body != NULL)
        REQUIRE(json_parse(next->body, strlen(next->body), &body, &err) == 0);
    const struct kube_response response = {.outcome = next->outcome,
                                           .body = body,
                                           .reason = "",
                                           .message = next->message != NULL ? next->message : ""};
    kube_done_fn *done = script->on_done;
    script->on_done = NULL;
    done(script->ctx, &response);
}

static char *run(struct script *script, const struct action *action)
{
    const struct executor_host host = {
        .send = on_send,
        .room = on_room,
        .may_write = on_may_write,
        .manager = on_manager,
        .on_fenced = on_fenced,
        .start_provider = on_provider,
        .post_event = on_event,
        .post_change = on_change,
        .apply = on_apply,
        .refresh = on_refresh,
        .on_write = on_write,
        .on_done = on_done,
        .on_reaction = on_reaction,
        .now_ns = now,
        .memo = script->memo,
        .write_timeout_s = 4,
        .ctx = script,
    };
    AUTO(executor) executor = executor_new(&host);
    const struct plan plan = {.actions = action, .action_count = 1};
    execute_plan(executor, &plan);
    CHECK_TRUE("nothing is applied while the plan is carried out",
               script->log.data == NULL || strstr(script->log.data, "done") == NULL);
    execute_settle(executor);
    while (script->on_done != NULL)
        answer(script);
    if (script->deposed_after == 0)
        CHECK_INT("in flight at the end", executor_in_flight(executor), 0);
    return str_take(&script->log);
}

#define META(rv) "{\"metadata\":{\"name\":\"x\",\"uid\":\"u1\",\"resourceVersion\":\"" rv "\"}}"
#define NAMESAKE "{\"metadata\":{\"name\":\"x\",\"uid\":\"u2\",\"resourceVersion\":\"3\"}}"
#define COMPANION(uid)                                                                             \
    "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\",\"resourceVersion\":\"40\"},"              \
    "\"jobUid\":\"" uid "\",\"size\":1,\"encoding\":\"runs\",\"data\":\"w0\"}"

static struct object_meta meta = {.name = (char[]){"x"},
                                  .uid = (char[]){"u1"},
                                  .resource_version = (char[]){"5"},
                                  .generation = 1};
static const struct job_queue_status queue_status = {
    .observed_generation = 1, .status = "VALID", .reason = "JobQueueHealthy"};
static const struct consumable_status resource_status = {
    .observed_generation = 1, .status = "VALID", .reason = "ConsumableResourceHealthy"};

/* clang-format off */
#define POD(kind_) { .kind = (kind_), .id = 7, .namespace_ = "ns", .name = "a", .uid = "u1" }
#define QUEUE { .kind = ACTION_QUEUE_STATUS, .id = 8, .meta = &meta, .queue_status = &queue_status }
#define RESOURCE { .kind = ACTION_CONSUMABLE_STATUS, .id = 8, .meta = &meta, .consumable_status = &resource_status }
#define DENIED "ValidatingAdmissionPolicy 'bulkhead-fence' with binding 'bulkhead-fence' denied request: no"
#define FINALIZER(add_) { .kind = ACTION_FINALIZER, .id = 9, .object_kind = "JobQueue", .name = "x", .uid = "u1", .add = (add_) }
#define REVISIONS "/apis/apps/v1/namespaces/ns/controllerrevisions"
#define REVISION "{\"metadata\":{\"name\":\"d-u1-2\",\"namespace\":\"ns\",\"uid\":\"u7\"},\"revision\":2," \
    "\"data\":{\"jobDefinition\":{\"name\":\"d\",\"uid\":\"u1\"},\"spec\":{}}}"
#define STORE { .kind = ACTION_REVISION_CREATE, .id = 13, .namespace_ = "ns", .name = "d-u1-2", .definition = &definition, .count = 2 }
#define DROP { .kind = ACTION_REVISION_DELETE, .id = 14, .namespace_ = "ns", .name = "d-u1-2", .uid = "u7" }
#define SERVICES "/api/v1/namespaces/ns/services"
#define SERVICE(job, more) "{\"metadata\":{\"name\":\"j-u1\",\"namespace\":\"ns\",\"uid\":\"u8\"," more \
    "\"ownerReferences\":[{\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":\"BatchJob\",\"name\":\"j\",\"uid\":\"" job "\",\"controller\":true}]}}"
#define NAME { .kind = ACTION_SERVICE_CREATE, .id = 15, .namespace_ = "ns", .name = "j-u1", .uid = "u1", .job = &named_job }
#define UNNAME { .kind = ACTION_SERVICE_DELETE, .id = 16, .namespace_ = "ns", .name = "j-u1", .uid = "u8" }
static const struct batch_job named_job = {
    .meta = { .name = (char[]){"j"}, .namespace_ = (char[]){"ns"}, .uid = (char[]){"u1"} } };
static const struct job_definition definition = {
    .meta = { .name = (char[]){"d"}, .namespace_ = (char[]){"ns"}, .uid = (char[]){"u1"} }, .content = (char[]){"{}"} };
static const struct { const char *name; struct action action; struct answer answers[3]; const char *want; } rows[] = {
    { "release", POD(ACTION_POD_RELEASE), { { KUBE_OK, NULL, META("9") } },
      "PATCH /api/v1/namespaces/ns/pods/a\ndone 7 OK rv=9\n" },
    { "release of a pod that is gone", POD(ACTION_POD_RELEASE), { { KUBE_NOT_FOUND, "gone", NULL } },
      "PATCH /api/v1/namespaces/ns/pods/a\ndone 7 NOT_FOUND: gone\n" },
    { "mark", POD(ACTION_POD_MARK), { { KUBE_OK, NULL, META("9") } },
      "PATCH /api/v1/namespaces/ns/pods/a\ndone 7 OK rv=9\n" },
    { "delete, answer lost", POD(ACTION_POD_DELETE), { { KUBE_UNKNOWN, "cut off", NULL } },
      "DELETE /api/v1/namespaces/ns/pods/a\ndone 7 UNKNOWN: cut off\n" },
    { "a change that could not be sent", { .kind = ACTION_JOB_TELL, .id = 5, .name = "unsent" }, { { 0 } },
      "change unsent\ndone 5 AGAIN: it could not be sent\n" },
    { "delivered", { .kind = ACTION_JOB_TOLD, .id = 6, .namespace_ = "ns", .name = "j", .uid = "u1", .message = "1.FAILED" },
      { { KUBE_OK, NULL, META("9") } }, "PATCH /apis/bulkhead.dev/v1alpha1/namespaces/ns/batchjobs/j/status\ndone 6 OK rv=9\n" },
    { "delivered, of a job that was made anew", { .kind = ACTION_JOB_TOLD, .id = 6, .namespace_ = "ns", .name = "j", .uid = "u1", .message = "1.FAILED" },
      { { KUBE_CONFLICT, "the UID in the precondition", NULL } },
      "PATCH /apis/bulkhead.dev/v1alpha1/namespaces/ns/batchjobs/j/status\ndone 6 NOT_FOUND: the UID in the precondition\n" },
    { "get", POD(ACTION_POD_GET), { { KUBE_OK, NULL, META("9") } },
      "GET /api/v1/namespaces/ns/pods/a\ndone 7 OK rv=9 pod=x\n" },
    { "get of something that is no pod", POD(ACTION_POD_GET), { { KUBE_OK, NULL, "{}" } }, NULL },
    { "queue status", QUEUE, { { KUBE_OK, NULL, META("6") } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\ndone 8 OK rv=6\n" },
    { "consumable resource status", RESOURCE, { { KUBE_OK, NULL, META("6") } },
      "PUT /apis/bulkhead.dev/v1alpha1/consumableresources/x/status\ndone 8 OK rv=6\n" },
    { "a newer version is shown before the conflict", QUEUE,
      { { KUBE_CONFLICT, "modified", NULL }, { KUBE_OK, NULL, META("8") } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\n"
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\n"
      "refresh JobQueue 8\ndone 8 CONFLICT: modified\n" },
    { "a namesake is not the object", QUEUE,
      { { KUBE_CONFLICT, "modified", NULL }, { KUBE_OK, NULL, NAMESAKE } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\n"
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 8 NOT_FOUND: it is gone\n" },
    { "it went meanwhile", QUEUE,
      { { KUBE_CONFLICT, "modified", NULL }, { KUBE_NOT_FOUND, "not found", NULL } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\n"
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 8 NOT_FOUND: it is gone\n" },
    { "a conflict that cannot be read is tried later", QUEUE,
      { { KUBE_CONFLICT, "modified", NULL }, { KUBE_SERVER, "503", NULL } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\n"
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 8 AGAIN: 503\n" },
    { "a write of who does not lead any more is not the object's fault", QUEUE, { { KUBE_INVALID, DENIED, NULL } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\nfenced\ndone 8 AGAIN: " DENIED "\n" },
    { "another policy's refusal is", QUEUE, { { KUBE_INVALID, "ValidatingAdmissionPolicy 'theirs' denied", NULL } },
      "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/x/status\ndone 8 REFUSED: ValidatingAdmissionPolicy 'theirs' denied\n" },
    { "finalizer on", FINALIZER(true), { { KUBE_OK, NULL, META("5") }, { KUBE_OK, NULL, META("6") } },
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\n"
      "PATCH /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 9 OK rv=6\n" },
    { "finalizer off already", FINALIZER(false), { { KUBE_OK, NULL, META("5") } },
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 9 OK rv=5\n" },
    { "finalizer of a namesake", FINALIZER(true), { { KUBE_OK, NULL, NAMESAKE } },
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 9 NOT_FOUND: another object has its name\n" },
    { "finalizer, unreadable now", FINALIZER(true), { { KUBE_SERVER, "503", NULL } },
      "GET /apis/bulkhead.dev/v1alpha1/jobqueues/x\ndone 9 AGAIN: 503\n" },
    { "revision", STORE, { { KUBE_OK, NULL, REVISION } }, "POST " REVISIONS "\ndone 13 OK revision=2\n" },
    { "a revision that is there already is read", STORE, { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, REVISION } },
      "POST " REVISIONS "\nGET " REVISIONS "/d-u1-2\ndone 13 EXISTS revision=2\n" },
    { "a revision's name that is somebody else's", STORE, { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, META("9") } },
      "POST " REVISIONS "\nGET " REVISIONS "/d-u1-2\ndone 13 AGAIN: not a revision of a JobDefinition that bulkhead made\n" },
    { "no right to store", STORE, { { KUBE_FORBIDDEN, "no", NULL } }, "POST " REVISIONS "\ndone 13 FORBIDDEN: no\n" },
    { "a revision goes", DROP, { { KUBE_OK, NULL, META("9") } }, "DELETE " REVISIONS "/d-u1-2\ndone 14 OK rv=9\n" },
    { "a namesake of a revision stays", DROP, { { KUBE_CONFLICT, "uid", NULL } }, "DELETE " REVISIONS "/d-u1-2\ndone 14 NOT_FOUND: uid\n" },
    { "service", NAME, { { KUBE_OK, NULL, META("9") } }, "POST " SERVICES "\ndone 15 OK uid=u1\n" },
    { "a service that is there already is read", NAME, { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, SERVICE("u1", "") } },
      "POST " SERVICES "\nGET " SERVICES "/j-u1\ndone 15 OK uid=u8\n" },
    { "and may be on its way out", NAME, { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, SERVICE("u1", "\"deletionTimestamp\":\"2025-01-01T00:00:00Z\",") } },
      "POST " SERVICES "\nGET " SERVICES "/j-u1\ndone 15 AGAIN: it is being deleted\n" },
    { "a service of another job", NAME, { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, SERVICE("u2", "") } },
      "POST " SERVICES "\nGET " SERVICES "/j-u1\ndone 15 EXISTS: it is somebody else's\n" },
    { "a service of nobody", NAME, { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, META("9") } },
      "POST " SERVICES "\nGET " SERVICES "/j-u1\ndone 15 EXISTS: it is somebody else's\n" },
    { "what has the name goes meanwhile", NAME, { { KUBE_EXISTS, "exists", NULL }, { KUBE_NOT_FOUND, "gone", NULL } },
      "POST " SERVICES "\nGET " SERVICES "/j-u1\ndone 15 AGAIN: gone\n" },
    { "no right to name", NAME, { { KUBE_FORBIDDEN, "cannot create resource \"services\"", NULL } }, "POST " SERVICES "\ndone 15 FORBIDDEN: cannot create resource \"services\"\n" },
    { "a service goes", UNNAME, { { KUBE_OK, NULL, META("9") } }, "DELETE " SERVICES "/j-u1\ndone 16 OK rv=9\n" },
    { "a namesake of a service stays", UNNAME, { { KUBE_CONFLICT, "uid", NULL } }, "DELETE " SERVICES "/j-u1\ndone 16 NOT_FOUND: uid\n" },
    { "provider", { .kind = ACTION_PROVIDER_OBSERVE, .id = 10, .environment = "known" }, { { KUBE_OK, NULL, NULL } },
      "provider known\n" },
    { "provider of an environment that is gone", { .kind = ACTION_PROVIDER_OBSERVE, .id = 10, .environment = "gone" }, { { KUBE_OK, NULL, NULL } },
      "provider gone\ndone 10 OK provider=2: this compute environment is not known\n" },
    { "event", { .kind = ACTION_EVENT, .id = 11, .reason = "Started" }, { { KUBE_OK, NULL, NULL } },
      "event Started\n" },
};
/* clang-format on */

TEST(execute)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(memo) memo = memo_new();
        struct script script = {.answers = rows[i].answers, .memo = memo};
        AUTO_TEXT got = run(&script, &rows[i].action);
        if (rows[i].want != NULL)
            CHECK_TEXT(rows[i].name, got, rows[i].want);
        else
            CHECK_HAS(rows[i].name, got, "done 7 AGAIN");
    }
}

TEST(execute_what_cannot_be_sent_is_tried_again)
{
    AUTO(memo) memo = memo_new();
    struct script script = {.memo = memo, .full = true};
    AUTO_TEXT got = run(&script, &rows[0].action);
    CHECK_TEXT("no request, one answer", got, "done 7 AGAIN: the line is full\n");
}

TEST(execute_remembers_what_it_wrote)
{
    static const struct answer answers[] = {{KUBE_OK, NULL, META("6")}};
    const struct action action = QUEUE;
    AUTO(memo) memo = memo_new();
    struct script script = {.answers = answers, .memo = memo};
    AUTO_TEXT got = run(&script, &action);
    CHECK_HAS("written", got, "done 8 OK rv=6");
    CHECK_TRUE("its echo", !memo_is_news(memo, "u1", "6"));
    AUTO(json_object) previous = memo_previous(memo, "u1");
    CHECK_HAS("its conditions", json_print(previous), "\"Ready\",\"status\":\"True\"");
}

/* As a process does that has just started, and finds what the one before has written. */
TEST(execute_does_not_write_what_is_there)
{
    static const struct answer answers[] = {{KUBE_OK, NULL, META("6")}};
    static const struct answer lost[] = {{KUBE_UNKNOWN, "cut off", NULL}};
    const struct action action = QUEUE;
    AUTO(memo) memo = memo_new();
    struct script first = {.answers = answers, .memo = memo};
    AUTO_TEXT written = run(&first, &action);
    CHECK_HAS("sent", written, "PUT /");
    struct script second = {.answers = answers, .memo = memo};
    AUTO_TEXT again = run(&second, &action);
    CHECK_TEXT("no request", again, "done 8 OK\n");
    struct job_queue_status other = queue_status;
    other.observed_generation = 2;
    struct action changed = action;
    changed.queue_status = &other;
    struct script third = {.answers = lost, .memo = memo};
    AUTO_TEXT unknown = run(&third, &changed);
    CHECK_HAS("another", unknown, "done 8 UNKNOWN");
    struct script fourth = {.answers = answers, .memo = memo};
    AUTO_TEXT sure = run(&fourth, &changed);
    CHECK_HAS("what may not have arrived is sent again", sure, "PUT /");
}

/* ------------------------------------------------------------------------- jobs */

enum { CHILDREN = 200000 };

static struct batch_job *job_new(void)
{
    static const char text[] =
        "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\",\"uid\":\"u1\",\"resourceVersion\":"
        "\"5\"},\"spec\":{\"jobQueue\":\"q\",\"arrayProperties\":{\"size\":200000},\"template\":{"
        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}";
    struct err err;
    AUTO(json_object) doc = NULL;
    struct batch_job *job = NULL;
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    REQUIRE(batch_job_decode(doc, &job, &err) == 0);
    return job;
}

/* Children in a pattern that neither encoding makes small. */
static struct child_record *children_new(void)
{
    struct check_random random = {.state = 1};
    struct child_record *children = mem_new(CHILDREN * sizeof(*children));
    for (size_t i = 0; i < CHILDREN; i++)
        children[i].outcome = (uint8_t)check_random_below(&random, 3);
    return children;
}

#define STATUS_PUT "PUT /apis/bulkhead.dev/v1alpha1/namespaces/ns/batchjobs/j/status\n"
#define STATES "/apis/bulkhead.dev/v1alpha1/namespaces/ns/arraystates"
/* clang-format off */
static const struct { const char *name; bool small; const char *array_version; struct answer answers[6]; const char *want; } job_rows[] = {
    { "what is small stays in the job", true, NULL, { { KUBE_OK, NULL, META("6") } },
      STATUS_PUT "done 12 OK rv=6\n" },
    { "a large state gets a companion first", false, NULL,
      { { KUBE_OK, NULL, META("41") }, { KUBE_OK, NULL, META("6") } },
      "POST " STATES "\n" STATUS_PUT "done 12 OK rv=6 array=41\n" },
    { "a known companion is replaced", false, "40",
      { { KUBE_OK, NULL, META("41") }, { KUBE_OK, NULL, META("6") } },
      "PUT " STATES "/j\n" STATUS_PUT "done 12 OK rv=6 array=41\n" },
    { "one whose making was not heard of is read and replaced", false, NULL,
      { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, COMPANION("u1") }, { KUBE_OK, NULL, META("41") }, { KUBE_OK, NULL, META("6") } },
      "POST " STATES "\nGET " STATES "/j\nPUT " STATES "/j\n" STATUS_PUT "done 12 OK rv=6 array=41\n" },
    { "one that somebody deleted is made again", false, "40",
      { { KUBE_NOT_FOUND, "gone", NULL }, { KUBE_NOT_FOUND, "gone", NULL }, { KUBE_OK, NULL, META("41") }, { KUBE_OK, NULL, META("6") } },
      "PUT " STATES "/j\nGET " STATES "/j\nPOST " STATES "\n" STATUS_PUT "done 12 OK rv=6 array=41\n" },
    { "one of an older job of this name is left alone", false, NULL,
      { { KUBE_EXISTS, "exists", NULL }, { KUBE_OK, NULL, COMPANION("u0") } },
      "POST " STATES "\nGET " STATES "/j\ndone 12 AGAIN: the ArrayState of a deleted job of this name is in the way\n" },
    { "no status without its companion", false, "40", { { KUBE_SERVER, "504", NULL } },
      "PUT " STATES "/j\ndone 12 UNKNOWN: 504\n" },
    { "the companion's version is told also when the status fails", false, "40",
      { { KUBE_OK, NULL, META("41") }, { KUBE_SERVER, "504", NULL } },
      "PUT " STATES "/j\n" STATUS_PUT "done 12 UNKNOWN array=41: 504\n" },
};
/* clang-format on */

static char *run_job(struct script *script, bool small, const char *array_version)
{
    AUTO(batch_job) job = job_new();
    struct child_record *children = children_new();
    const struct job_status status = {.phase = JOB_RUNNING,
                                      .array = {.size = small ? 100 : CHILDREN}};
    const struct action action = {.kind = ACTION_JOB_STATUS,
                                  .id = 12,
                                  .job = job,
                                  .status = &status,
                                  .children = children,
                                  .array_version = array_version};
    char *got = run(script, &action);
    free(children);
    return got;
}

TEST(execute_job_status)
{
    for (size_t i = 0; i < ARRAY_LEN(job_rows); i++) {
        AUTO(memo) memo = memo_new();
        struct script script = {.answers = job_rows[i].answers, .memo = memo};
        AUTO_TEXT got = run_job(&script, job_rows[i].small, job_rows[i].array_version);
        CHECK_TEXT(job_rows[i].name, got, job_rows[i].want);
    }
}

TEST(execute_stops_writing_when_deposed)
{
    static const struct answer answers[] = {{KUBE_OK, NULL, META("41")}};
    AUTO(memo) memo = memo_new();
    struct script script = {.answers = answers, .memo = memo, .deposed_after = 1};
    AUTO_TEXT got = run_job(&script, false, NULL);
    CHECK_TEXT("no second step", got, "POST " STATES "\n");
}

TEST(execute_measures_the_reaction_once)
{
    static const struct answer answers[] = {{KUBE_OK, NULL, META("9")}, {KUBE_OK, NULL, META("9")}};
    AUTO(batch_job) job = job_new();
    const struct action action = {
        .kind = ACTION_POD_CREATE,
        .id = 7,
        .order = {
            .job = job, .name = "j-0", .count = 1, .try = 1, .attempt = 1, .environment = "e"}};
    AUTO(memo) memo = memo_new();
    memo_arrival(memo, "u1", 400);
    struct script script = {.answers = answers, .memo = memo};
    AUTO_TEXT first = run(&script, &action);
    AUTO_TEXT second = run(&script, &action);
    CHECK_TEXT("first pod", first,
               "reaction 600\nPOST /api/v1/namespaces/ns/pods\ndone 7 OK rv=9 pod=x\n");
    CHECK_TEXT("second pod", second, "POST /api/v1/namespaces/ns/pods\ndone 7 OK rv=9 pod=x\n");
}
