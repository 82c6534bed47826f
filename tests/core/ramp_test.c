/* SPDX-License-Identifier: Apache-2.0 */
/* ramp_test.c - how long until all machines that there are have been asked for
 *
 * Environments of three types, of which there are ten machines each; work for all of them comes at
 * once. With one queue, or with as many queues as environments, each listing them in an order that
 * begins with another one (AWS's advice for fast ramps). */
#include "core/world.h"

#include "bulkhead/base/macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENVIRONMENTS = 8, TYPES = 3, STOCK = 10, VCPUS = 4 };

static void print_order(struct str *out, int first)
{
    for (int i = 0; i < ENVIRONMENTS; i++)
        str_addf(out, "%se%d", i > 0 ? "," : "", (first + i) % ENVIRONMENTS);
}

static char *script(int queues, int max)
{
    AUTO_STR out = STR_EMPTY;
    for (int e = 0; e < ENVIRONMENTS; e++)
        str_addf(&out,
                 "environment e%d kwok max=%d boot=60s types=a:%d:8Gi:0.1:%d,b:%d:8Gi:0.2:%d,"
                 "c:%d:8Gi:0.3:%d\n",
                 e, max, VCPUS, STOCK, VCPUS, STOCK, VCPUS, STOCK);
    for (int q = 0; q < queues; q++) {
        str_addf(&out, "queue q%d envs=", q);
        print_order(&out, q);
        str_addf(&out, "\njob j%d queue=q%d cpu=%d array=%d\n", q, q, VCPUS,
                 ENVIRONMENTS * TYPES * STOCK / queues);
    }
    str_add(&out, "at 50s\n");
    return str_take(&out);
}

/* Seconds until the last machine was launched. */
static double ramp(int queues, int max, int *ret_launched)
{
    int launched = 0;
    double last_s = 0;
    int left[ENVIRONMENTS][TYPES];
    for (int i = 0; i < ENVIRONMENTS * TYPES; i++)
        left[i / TYPES][i % TYPES] = STOCK;
    AUTO(world) world = world_new(SHOW_MACHINES);
    AUTO_TEXT text = script(queues, max);
    world_run(world, text);
    for (const char *line = world_log(world); line != NULL && *line != '\0';) {
        static const char says[] = "s launch e";
        char *at = NULL;
        double seconds = strtod(line, &at);
        if (strncmp(at, says, sizeof(says) - 1) == 0) {
            long environment = strtol(at + sizeof(says) - 1, &at, 10);
            int count = (int)strtol(at, &at, 10);
            int *stock = &left[environment][at[2] - 'a']; /* "240x c" */
            int got = count < *stock ? count : *stock;
            *stock -= got;
            launched += got;
            last_s = got > 0 ? seconds : last_s;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    *ret_launched = launched;
    return last_s;
}

TEST(time_to_full_capacity)
{
    static const struct {
        const char *name;
        int queues, max;
        double most_s;
    } rows[] = {
        {"one queue, maxvCpus as many as there are", 1, TYPES * STOCK * VCPUS, 2.5},
        {"one queue, maxvCpus 8 times as many", 1, ENVIRONMENTS * TYPES * STOCK * VCPUS, 18},
        {"8 queues in rotated order, maxvCpus as many", 8, TYPES * STOCK * VCPUS, 2.5},
        {"8 queues in rotated order, 8 times as many", 8, ENVIRONMENTS * TYPES * STOCK * VCPUS, 6},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int launched = 0;
        double seconds = ramp(rows[i].queues, rows[i].max, &launched);
        printf("%-45s %4d machines, the last asked for after %4.1f s\n", rows[i].name, launched,
               seconds);
        CHECK_INT("all of them", launched, ENVIRONMENTS * TYPES * STOCK);
        CHECK_TRUE("in time", seconds <= rows[i].most_s);
    }
}
