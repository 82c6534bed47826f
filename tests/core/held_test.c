/* SPDX-License-Identifier: Apache-2.0 */
/* held_test.c - pods that hold our finalizer, and that nobody else would let go */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"one without our labels is let go when it is deleted, and nothing more is done to it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "pod p node=n1 cpu=1 held terminating\n"
     "pod r node=n1 cpu=1 held\n"
     "pod s node=n1 cpu=1 terminating\n"
     "at 60s\n",
     "0s release p\n"},
    /* clang-format on */
};

TEST(nobody_is_held_for_ever)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_CLEANUP);
}
