/* SPDX-License-Identifier: Apache-2.0 */
/* Results: read from pods, and packed into the status of an array. */
#include "bulkhead/api/node.h"
#include "bulkhead/api/result.h"

#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

#include <stdlib.h>
#include <string.h>

#define POD(phase, statuses)                                                                       \
    "{'metadata':{'name':'p','labels':{'bulkhead.dev/job-uid':'u'}},'spec':{'containers':["        \
    "{'name':'z'},{'name':'b'}]},'status':{'phase':'" phase                                        \
    "','initContainerStatuses':[{'name':'i','state':{'terminated':{'exitCode':0,'message':"        \
    "'init'}}}],'containerStatuses':[" statuses "]}}"
#define LEFT(name, text)                                                                           \
    "{'name':'" name "','state':{'terminated':{'exitCode':0,'message':'" text "'}}}"

static const struct {
    const char *name, *pod, *want;
} pods[] = {
    {"the first container in the order of the spec",
     POD("Succeeded", LEFT("b", "of b") "," LEFT("z", "of z")), "of z"},
    {"that left something", POD("Succeeded", LEFT("b", "of b") "," LEFT("z", "")), "of b"},
    {"without the newlines at its end", POD("Succeeded", LEFT("z", "3\\r\\n\\n")), "3"},
    {"only newlines are nothing", POD("Succeeded", LEFT("z", "\\n")), NULL},
    {"nothing of a pod that failed", POD("Failed", LEFT("z", "of z")), NULL},
};

TEST(results_of_pods)
{
    for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
        struct pod *pod = NULL;
        AUTO(json_object) doc = json_tokener_parse(pods[i].pod);
        REQUIRE(doc != NULL);
        REQUIRE(pod_decode(doc, &pod, NULL) == 0);
        CHECK_TEXT(pods[i].name, pod->result, pods[i].want);
        pod_free(pod);
    }
}

TEST(a_result_is_cut_at_its_bound)
{
    AUTO_TEXT text = mem_new(RESULT_BYTES_MAX + 10);
    memset(text, 'x', RESULT_BYTES_MAX + 9);
    AUTO_TEXT json = text_printf(POD("Succeeded", LEFT("z", "%s")), text);
    AUTO(json_object) doc = json_tokener_parse(json);
    AUTO(pod) pod = NULL;
    REQUIRE(pod_decode(doc, &pod, NULL) == 0);
    CHECK_INT("bytes", (int64_t)strlen(pod->result), RESULT_BYTES_MAX);
}

TEST(lines_of_results)
{
    static const char *const texts[] = {"", "{\"a\":1}", "two\nlines\tand \\n", "\\"};
    static const uint32_t indexes[] = {0, 9, 10, 999999};
    AUTO_STR lines = STR_EMPTY;
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        result_line_add(&lines, indexes[i], texts[i]);
        bytes += result_line_bytes(indexes[i], texts[i]);
    }
    CHECK_TEXT("lines", str_text(&lines),
               "0 \n9 {\"a\":1}\n10 two\\nlines\\tand \\\\n\n999999 \\\\\n");
    CHECK_INT("bytes", (int64_t)bytes, (int64_t)lines.size);
    const char *cursor = str_text(&lines);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint32_t index = 0;
        AUTO_TEXT text = NULL;
        REQUIRE(result_line_next(&cursor, &index, &text));
        CHECK_INT("index", index, indexes[i]);
        CHECK_TEXT("text", text, texts[i]);
    }
    static const char *const damaged[] = {"", "1", "1 x", " x\n", "x 1\n", "1x\n"};
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        uint32_t index;
        char *text;
        cursor = damaged[i];
        CHECK_INT(damaged[i], result_line_next(&cursor, &index, &text), 0);
    }
}

TEST(lines_of_inputs)
{
    static const char *const texts[] = {"", "{\"a\":1}", "two\nlines\tand \\n", "3"};
    AUTO_STR values = STR_EMPTY;
    AUTO_STR lines = STR_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        input_add(&values, texts[i]);
    input_line_add(&lines, 7, str_text(&values));
    input_line_add(&lines, 10, "\tx");
    CHECK_TEXT("lines", str_text(&lines), "7\t\t{\"a\":1}\ttwo\\nlines\\tand \\\\n\t3\n10\tx\n");
    const char *cursor = str_text(&lines);
    uint32_t index = 0;
    AUTO_TEXT first = NULL;
    AUTO_TEXT second = NULL;
    REQUIRE(input_line_next(&cursor, &index, &first));
    CHECK_INT("index", index, 7);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_TEXT value = input_value(first, i);
        CHECK_TEXT("value", value, texts[i]);
    }
    CHECK_TEXT("no more", input_value(first, ARRAY_LEN(texts)), NULL);
    REQUIRE(input_line_next(&cursor, &index, &second));
    CHECK_TEXT("values", second, "\tx");
    static const char *const damaged[] = {"", "1", "1\tx", "1 x\n", "x\t1\n"};
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        char *text;
        cursor = damaged[i];
        CHECK_INT(damaged[i], input_line_next(&cursor, &index, &text), 0);
    }
}
