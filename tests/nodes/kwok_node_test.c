/* SPDX-License-Identifier: Apache-2.0 */
/* kwok_node_test.c - names, Node objects and what is read back from them, without an API server */
#include "check.h"

#include "src/nodes/kwok_node.h"

#include "bulkhead/json/get.h"

#include <stdlib.h>
#include <string.h>

#define LONG_NAME "an-environment-with-a-name-that-is-as-long-as-names-may-ever-be"

static const struct {
    const char *environment, *token;
    int64_t number;
    const char *want;
} names[] = {
    {"spot", "t1", 0, "spot-t1-0"},
    {"spot", "t1", 999, "spot-t1-999"},
    {"spot", "1", 0, "spot-1-0"},
};

TEST(plain_names_stay_readable)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_TEXT got = kwok_node_name(names[i].environment, names[i].token, names[i].number);
        CHECK_TEXT(names[i].want, got, names[i].want);
    }
}

static const struct {
    const char *environment, *token, *begins;
} hard_names[] = {
    {"spot", "T1", "spot-t1-"},
    {"spot", "t_1", "spot-t-1-"},
    {"spot", "t.1", "spot-t-1-"},
    {"spot", "t/1:x", "spot-t-1-x-"},
    {"-spot", "t", "xspot-t-"},
    {"spot", "t\xc3\xbc", "spot-t---"},
    {LONG_NAME, "t1", "an-environment-with-a-name-that-is-as-long-as-nam"},
    {"spot", LONG_NAME LONG_NAME, "spot-an-environment-with-a-name-that-is-as-long-a"},
};

TEST(other_names_are_mended_and_kept_apart)
{
    char *seen[ARRAY_LEN(hard_names) * 2] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(hard_names); i++) {
        for (int64_t number = 0; number <= 999; number += 999) {
            char *got = kwok_node_name(hard_names[i].environment, hard_names[i].token, number);
            CHECK_TRUE(got, text_starts(got, hard_names[i].begins));
            CHECK_TRUE(got, strlen(got) <= KWOK_NAME_MAX);
            CHECK_INT(got, strspn(got, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(got));
            for (size_t other = 0; other < count; other++)
                CHECK_TRUE(got, strcmp(seen[other], got) != 0);
            AUTO_TEXT again =
                kwok_node_name(hard_names[i].environment, hard_names[i].token, number);
            CHECK_TEXT("the same again", again, got);
            seen[count++] = got;
        }
    }
    for (size_t i = 0; i < count; i++)
        free(seen[i]);
}

TEST(a_node_is_written_whole)
{
    struct extended_resource gpus = {.name = (char[]){"nvidia.com/gpu"}, .amount = 2};
    struct instance_type type = {
        .name = (char[]){"g5.xlarge"},
        .vcpus = 4,
        .capacity = {.cpu_milli = 3920,
                     .memory_bytes = 16LL << 30,
                     .pods = 58,
                     .extended = &gpus,
                     .extended_count = 1},
        .arch = (char[]){"arm64"},
        .boot_ms = 1500,
    };
    AUTO_TEXT got = kwok_node_text("spot", "spot-t1-0", &type, "west", 1700000000 * NS_PER_S);
    CHECK_TEXT("node", got,
               "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"spot-t1-0\","
               "\"annotations\":{"
               "\"kwok.x-k8s.io/node\":\"fake\",\"kwok.bulkhead.dev/boot-ms\":\"1500\","
               "\"kwok.bulkhead.dev/ready-at\":\"2023-11-14T22:13:21.500000Z\"},"
               "\"labels\":{\"bulkhead.dev/compute-environment\":\"spot\","
               "\"node.kubernetes.io/instance-type\":\"g5.xlarge\",\"bulkhead.dev/"
               "instance-id\":\"spot-t1-0\","
               "\"kubernetes.io/arch\":\"arm64\",\"kubernetes.io/os\":\"linux\",\"kubernetes.io/"
               "hostname\":\"spot-t1-0\",\"topology.kubernetes.io/zone\":\"west\","
               "\"type\":\"kwok\"}},\"spec\":{\"providerID\":\"bulkhead-kwok://spot/"
               "spot-t1-0\",\"taints\":["
               "{\"key\":\"bulkhead.dev/"
               "compute-environment\",\"value\":\"spot\",\"effect\":\"NoSchedule\"},"
               "{\"key\":\"bulkhead.dev/"
               "compute-environment\",\"value\":\"spot\",\"effect\":\"NoExecute\"}]},"
               "\"status\":{\"capacity\":{\"cpu\":\"3920m\",\"memory\":\"16Gi\",\"pods\":\"58\","
               "\"nvidia.com/gpu\":\"2\"},"
               "\"allocatable\":{\"cpu\":\"3920m\",\"memory\":\"16Gi\",\"pods\":\"58\",\"nvidia."
               "com/gpu\":\"2\"},"
               "\"nodeInfo\":{\"architecture\":\"arm64\",\"operatingSystem\":\"linux\"}}}");
}

#define NODE(provider_id, more_metadata, status)                                                   \
    "{\"metadata\":{\"name\":\"spot-t-0\",\"uid\":\"u1\",\"creationTimestamp\":\"2023-11-14T22:"   \
    "13:20Z\"" more_metadata ",\"labels\":{\"node.kubernetes.io/"                                  \
    "instance-type\":\"c1\"}},\"spec\":{\"providerID\":\"" provider_id "\"},"                      \
    "\"status\":{\"conditions\":[{\"type\":\"DiskPressure\",\"status\":\"True\"},"                 \
    "{\"type\":\"Ready\",\"status\":\"" status "\"}]}}"

static const struct {
    const char *name, *doc, *want;
} nodes[] = {
    {"booting", NODE("bulkhead-kwok://spot/spot-t-0", "", "False"),
     "spot-t-0 c1 spot-t-0 u1 0 1700000000"},
    {"up", NODE("bulkhead-kwok://spot/spot-t-0", "", "True"),
     "spot-t-0 c1 spot-t-0 u1 1 1700000000"},
    {"unknown", NODE("bulkhead-kwok://spot/spot-t-0", "", "Unknown"),
     "spot-t-0 c1 spot-t-0 u1 0 1700000000"},
    {"leaving",
     NODE("bulkhead-kwok://spot/spot-t-0", ",\"deletionTimestamp\":\"2023-11-14T22:13:20Z\"",
          "True"),
     "spot-t-0 c1 spot-t-0 u1 2 1700000000"},
    {"to be interrupted",
     NODE("bulkhead-kwok://spot/spot-t-0",
          ",\"annotations\":{\"kwok.bulkhead.dev/signal\":\"INTERRUPTION\"}", "True"),
     "spot-t-0 c1 spot-t-0 u1 1 1700000000 INTERRUPTION"},
    {"an annotation that says nothing known",
     NODE("bulkhead-kwok://spot/spot-t-0",
          ",\"annotations\":{\"kwok.bulkhead.dev/signal\":\"soon\"}", "True"),
     "spot-t-0 c1 spot-t-0 u1 1 1700000000"},
    {"another environment", NODE("bulkhead-kwok://spot-t/spot-t-0", "", "True"), NULL},
    {"a longer environment", NODE("bulkhead-kwok://spo/spot-t-0", "", "True"), NULL},
    {"another id", NODE("bulkhead-kwok://spot/spot-t-1", "", "True"), NULL},
    {"no id", NODE("bulkhead-kwok://spot/", "", "True"), NULL},
    {"another provider", NODE("kwok://spot/spot-t-0", "", "True"), NULL},
    {"no provider id", "{\"metadata\":{\"name\":\"spot-t-0\",\"uid\":\"u1\"}}", NULL},
    {"no uid",
     "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"providerID\":\"bulkhead-kwok://spot/a\"}}", NULL},
    {"not an object", "[]", NULL},
};

TEST(only_our_own_nodes_are_read)
{
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        AUTO(json_object) doc = NULL;
        struct kwok_node node = {.uid = NULL};
        REQUIRE(json_parse(nodes[i].doc, strlen(nodes[i].doc), &doc, NULL) == 0);
        bool read = kwok_node_read(doc, "spot", &node);
        AUTO_TEXT got =
            read ? text_printf("%s %s %s %s %d %lld%s%s", node.instance.id, node.instance.type,
                               node.instance.node_name, node.uid, (int)node.instance.state,
                               (long long)(node.instance.launched_ns / NS_PER_S),
                               node.instance.signal != SIGNAL_NONE ? " " : "",
                               node.instance.signal != SIGNAL_NONE
                                   ? instance_signal_name(node.instance.signal)
                                   : "")
                 : NULL;
        CHECK_TEXT(nodes[i].name, got, nodes[i].want);
        kwok_node_done(&node);
    }
}
