/* SPDX-License-Identifier: Apache-2.0 */
/* override_test.c - jobs that change their template: placement follows, and what is wrong is said
 */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"overrides decide what a job asks for",
     "environment e static\n"
     "queue q envs=e\n"
     "definition d cpu=4\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q definition=d\n"
     "job b queue=q definition=d "
     "overrides={\"containers\":[{\"resources\":{\"requests\":{\"cpu\":2}}}]}\n",
     "0s start b on n1\n"},
    {"overrides wait for the definition that they change",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q definition=d overrides={\"containers\":[{\"name\":\"c\",\"image\":\"j\"}]}\n"
     "at 1s\n"
     "definition d cpu=1\n",
     "1s start a on n1\n"},
    {"overrides that do not go with the template fail the job",
     "environment e static\n"
     "queue q envs=e\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d overrides={\"containers\":[{\"name\":\"x\"}]}\n"
     "why a\n",
     "0s told a FAILED InvalidOverrides\n"
     "0s a FAILED InvalidOverrides: spec.overrides.containers[0].name: \"x\", expected a container "
     "of the template (c)\n"},
    /* clang-format on */
};

TEST(overrides)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS);
}
