/* SPDX-License-Identifier: Apache-2.0 */
/* early_test.c - pods of jobs that are told before all kinds have been read */
#include "check.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"
#include "bulkhead/core/core.h"

static void tell_pod(struct core *core, const char *name, const char *version)
{
    struct pod *pod = mem_new(sizeof(*pod));
    pod->meta = (struct object_meta){.name = text_copy(name),
                                     .namespace_ = text_copy("n"),
                                     .uid = text_printf("uid-%s", name),
                                     .resource_version = text_copy(version),
                                     .has_finalizer = true};
    pod->job_uid = text_copy("j");
    pod->count = pod->try = pod->attempt = 1;
    core_apply(core, &(struct event){.kind = EVENT_POD, .pod = pod});
}

static void tell_gone(struct core *core, const char *name)
{
    AUTO_TEXT uid = text_printf("uid-%s", name);
    core_apply(
        core, &(struct event){.kind = EVENT_POD_GONE, .namespace_ = "n", .name = name, .uid = uid});
}

TEST(what_goes_before_all_is_read_is_not_there)
{
    struct core_counts counts;
    struct core *core = core_new(NULL);
    tell_pod(core, "stays", "5");
    tell_pod(core, "goes", "6");
    tell_pod(core, "goes", "7"); /* changed meanwhile */
    tell_gone(core, "goes");
    tell_gone(core, "never-heard-of");
    core_apply(core, &(struct event){.kind = EVENT_SYNCED});
    core_counts(core, &counts);
    CHECK_INT("pods", counts.pods, 1);
    core_free(core);
}
