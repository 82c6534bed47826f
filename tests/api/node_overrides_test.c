/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a multi-node job's nodes when a job overrides them. Single quotes stand for
 * double. */
#include "bulkhead/api/job.h"

#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"
#include "check.h"

#include <inttypes.h>
#include <json-c/json_tokener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE(target)                                                                              \
    "{'targetNodes':'" target "','template':{'spec':{'containers':[{'name':'c','image':'" target   \
    "'}]}}}"
#define IMAGE(target, image)                                                                       \
    "{'targetNodes':'" target "','overrides':{'containers':[{'image':'" image "'}]}}"

/* want: each range with its image, or what is said. */
static const struct {
    const char *name, *ranges, *overrides, *want;
} rows[] = {
    {"more nodes", RANGE("0") "," RANGE("1:"), "'numNodes':6", "6 nodes\n0:0 0\n1:5 1:\n"},
    {"fewer nodes", RANGE("0") "," RANGE("1:"), "'numNodes':2", "2 nodes\n0:0 0\n1:1 1:\n"},
    {"no range is open", RANGE("0:3"), "'numNodes':6",
     "spec.nodeOverrides.numNodes: no range of the nodes is open at its end, as 4: is"},
    {"the main node is beyond", RANGE("0:"), "'numNodes':1",
     "spec.nodeOverrides.numNodes: 1, expected more than mainNode, 1"},
    {"a range is beyond", RANGE("0:") "," RANGE("2:3"), "'numNodes':3",
     "spec.nodeOverrides.numNodes: 3, too few for the range 2:3 of the nodes"},
    {"some nodes", RANGE("0:"), "'nodePropertyOverrides':[" IMAGE("1:2", "j") "]",
     "4 nodes\n0:0 0:\n1:2 j\n3:3 0:\n"},
    {"the later one holds", RANGE("0:"),
     "'nodePropertyOverrides':[" IMAGE(":2", "j") "," IMAGE("2", "k") "]",
     "4 nodes\n0:1 j\n2:2 k\n3:3 0:\n"},
    {"across ranges", RANGE(":1") "," RANGE("2:"),
     "'numNodes':5,'nodePropertyOverrides':[" IMAGE("1:", "j") "]",
     "5 nodes\n0:0 :1\n1:1 j\n2:4 j\n"},
    {"a node that is not there", RANGE("0:"), "'nodePropertyOverrides':[" IMAGE("4", "j") "]",
     "spec.nodeOverrides.nodePropertyOverrides[0].targetNodes: 4, expected nodes within 0..3, the "
     "lower one first"},
    {"a container that is not there", RANGE("0:"),
     "'nodePropertyOverrides':[{'targetNodes':'0','overrides':{'containers':[{'name':'x'}]}}]",
     "spec.nodeOverrides.nodePropertyOverrides[0].overrides.containers[0].name: \"x\", expected a "
     "container of the template (c)"},
};

static char *quoted(const char *text)
{
    char *copy = text_copy(text);
    for (char *c = copy; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    return copy;
}

static const char *image_of(const struct pod_template *template_, char image[32])
{
    const char *found = strstr(template_->json, "\"image\":\"");
    snprintf(image, 32, "%s", found != NULL ? found + strlen("\"image\":\"") : "?");
    image[strcspn(image, "\"")] = '\0';
    return image;
}

TEST(overridden_nodes)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT text =
            text_printf("{'metadata':{'name':'a','namespace':'n','uid':'u'},'spec':{'jobQueue':'q',"
                        "'nodeProperties':{'numNodes':4,'mainNode':1,'nodeRangeProperties':[%s]},"
                        "'nodeOverrides':{%s}}}",
                        rows[i].ranges, rows[i].overrides);
        AUTO_TEXT json = quoted(text);
        AUTO(json_object) doc = json_tokener_parse(json);
        AUTO(batch_job) job = NULL;
        struct err err = {0};
        CHECK_INT(rows[i].name, batch_job_decode(doc, &job, &err), 0);
        CHECK_TEXT(rows[i].name, job->invalid != NULL ? job->invalid : "", "");
        struct node_properties nodes = {0};
        AUTO_STR got = STR_EMPTY;
        if (node_overrides_apply(&job->nodes, &job->node_overrides, &nodes, &err) < 0)
            str_add(&got, err.text);
        else
            str_addf(&got, "%" PRId64 " nodes\n", nodes.num_nodes);
        for (size_t r = 0; r < nodes.range_count; r++) {
            char image[32];
            str_addf(&got, "%s %s\n", nodes.ranges[r].target_nodes,
                     image_of(&nodes.ranges[r].template_, image));
        }
        CHECK_TEXT(rows[i].name, str_text(&got), rows[i].want);
        node_properties_done(&nodes);
    }
}
