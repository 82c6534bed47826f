/* SPDX-License-Identifier: Apache-2.0 */
/* rooms_test.c - the search tree finds what a search through every node finds */
#include "check.h"

#include "src/core/internal.h"

#include <stdlib.h>

enum { NODES_MAX = 40, CLASSES = 6, ROUNDS = 60, STEPS = 40 };

static struct node *node_make(const char *name, int round, struct check_random *random)
{
    struct node *node = mem_new(sizeof(*node));
    node->meta.name = text_copy(name);
    node->meta.uid = text_printf("%s-%d", name, round);
    node->allocatable = (struct resources){
        .cpu_milli = (int64_t)check_random_below(random, 8) * 500,
        .memory_bytes = (int64_t)check_random_below(random, 8) << 29,
        .pods = (int64_t)check_random_below(random, 4),
    };
    node->ready = check_random_below(random, 8) != 0;
    node->unschedulable = check_random_below(random, 8) == 0;
    if (check_random_below(random, 10) != 0)
        key_values_set(&node->labels, LABEL_ENVIRONMENT, "e");
    key_values_set(&node->labels, "zone", check_random_below(random, 2) != 0 ? "a" : "b");
    return node;
}

static struct pod *pod_make(unsigned number, unsigned node, struct check_random *random)
{
    struct pod *pod = mem_new(sizeof(*pod));
    pod->meta.name = text_printf("p%u", number);
    pod->meta.namespace_ = text_copy("default");
    pod->meta.uid = text_printf("p%u", number);
    pod->meta.resource_version = text_copy("1");
    pod->node_name = text_printf("n%u", node);
    pod->phase = POD_RUNNING;
    pod->requests = (struct resources){.cpu_milli = (int64_t)check_random_below(random, 3) * 500,
                                       .memory_bytes = (int64_t)check_random_below(random, 3) << 29,
                                       .pods = 1};
    return pod;
}

static struct core_environment *environment_make(struct core *core)
{
    struct compute_environment *environment = mem_new(sizeof(*environment));
    environment->meta.name = text_copy("e");
    environment->meta.uid = text_copy("e");
    environment->enabled = true;
    environment->provider = PROVIDER_STATIC;
    core_apply(core, &(struct event){.kind = EVENT_ENVIRONMENT, .environment = environment});
    core_apply(core, &(struct event){.kind = EVENT_SYNCED});
    return map_get(core->environments, "e");
}

/* What the tree must say, found the slow way. */
static const struct core_node *naive(const struct core_environment *environment,
                                     const struct core_class *class_, uint32_t first_slot)
{
    for (size_t i = first_slot; i < environment->slot_count; i++) {
        const struct core_node *node = environment->slots[i];
        if (node == NULL || node->spec == NULL || !node->spec->ready || node->spec->unschedulable ||
            node->closed)
            continue;
        struct amounts room;
        node_free_amounts(node, &room);
        if (amounts_fit(&class_->needs, &room) && node_takes(node, class_))
            return node;
    }
    return NULL;
}

static void step(struct core *core, int round, unsigned number, struct check_random *random)
{
    unsigned which = (unsigned)check_random_below(random, NODES_MAX);
    AUTO_TEXT name = text_printf("n%u", which);
    switch (check_random_below(random, 8)) {
    case 0:
        core_apply(core, &(struct event){.kind = EVENT_NODE_GONE, .name = name});
        break;
    case 1:
    case 2:
        core_apply(core,
                   &(struct event){.kind = EVENT_POD, .pod = pod_make(number, which, random)});
        break;
    case 3: {
        AUTO_TEXT gone = text_printf("p%u", (unsigned)check_random_below(random, number + 1));
        core_apply(core,
                   &(struct event){
                       .kind = EVENT_POD_GONE, .namespace_ = "default", .name = gone, .uid = gone});
        break;
    }
    default:
        core_apply(core,
                   &(struct event){.kind = EVENT_NODE, .node = node_make(name, round, random)});
        break;
    }
}

TEST(tree_and_naive_scan_agree)
{
    struct check_random random = {7};
    size_t found = 0, missed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO(core) core = core_new(NULL);
        struct core_environment *environment = environment_make(core);
        struct core_class *classes[CLASSES];
        for (size_t c = 0; c < CLASSES; c++) {
            struct placement placement = {
                .requests = {.cpu_milli = (int64_t)check_random_below(&random, 5) * 500,
                             .memory_bytes = (int64_t)check_random_below(&random, 5) << 29}};
            if (c % 2 == 1)
                key_values_set(&placement.node_selector, "zone", "a");
            classes[c] = class_use(core, &placement);
            key_values_done(&placement.node_selector);
        }
        for (unsigned s = 0; s < STEPS; s++) {
            step(core, round, s, &random);
            for (size_t c = 0; c < CLASSES; c++) {
                uint32_t first = (uint32_t)check_random_below(&random, NODES_MAX / 4) *
                                 (uint32_t)check_random_below(&random, 2);
                const struct core_node *want = naive(environment, classes[c], first);
                CHECK_TRUE("the same node", rooms_find(environment, classes[c], first) == want);
                found += want != NULL;
                missed += want == NULL;
            }
            AUTO_TEXT broken = core_check(core);
            CHECK_TEXT("the core's own invariants", broken, NULL);
        }
        for (size_t c = 0; c < CLASSES; c++)
            class_drop(core, classes[c]);
    }
    CHECK_TRUE("both answers were given often", found > 1000 && missed > 1000);
}
