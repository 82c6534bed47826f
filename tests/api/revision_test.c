/* SPDX-License-Identifier: Apache-2.0 */
/* revision.h: what makes a revision, and how it is kept */
#include "bulkhead/api/revision.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

#include <stdlib.h>
#include <string.h>

#define TEMPLATE "'template':{'spec':{'containers':[{'name':'c','image':'i'}]}}"
#define META "'metadata':{'name':'train','namespace':'ns','uid':'0a1b2c3d-1','generation':4}"

static struct job_definition *definition_of(const char *spec, const char *status)
{
    AUTO_TEXT text = text_printf("{" META ",'spec':{%s}%s}", spec, status);
    AUTO(json_object) doc = json_tokener_parse(text);
    struct job_definition *definition = NULL;
    REQUIRE(job_definition_decode(doc, &definition, NULL) == 0);
    return definition;
}

static const struct {
    const char *name, *left, *right;
    bool same;
} pairs[] = {
    {"members in another order", "'parameters':{'a':'1','b':'2'}," TEMPLATE,
     TEMPLATE ",'parameters':{'b':'2','a':'1'}", true},
    {"another value", "'parameters':{'a':'1'}," TEMPLATE, "'parameters':{'a':'2'}," TEMPLATE,
     false},
    {"the order of a list counts", "'template':{'spec':{'containers':[{'name':'a'},{'name':'b'}]}}",
     "'template':{'spec':{'containers':[{'name':'b'},{'name':'a'}]}}", false},
    {"what is about revisions is not part of one",
     "'deregisteredRevisions':[1,2],'revisionHistoryLimit':7," TEMPLATE, TEMPLATE, true},
};

TEST(contents)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        AUTO(job_definition) left = definition_of(pairs[i].left, "");
        AUTO(job_definition) right = definition_of(pairs[i].right, "");
        CHECK_INT(pairs[i].name, text_eq(left->content, right->content), pairs[i].same);
    }
}

TEST(a_definition_says_what_becomes_of_its_revisions)
{
    AUTO(job_definition)
    definition = definition_of("'deregisteredRevisions':[3,1],'timeout':0," TEMPLATE, "");
    CHECK_TRUE("invalid", definition->invalid != NULL);
    CHECK_INT("and still read", (int64_t)definition->deregistered.count, 2);
    CHECK_INT("in order", definition->deregistered.items[0], 3);
    CHECK_INT("by default", definition->history_limit, 100);
}

TEST(kept_as_a_controller_revision)
{
    AUTO(job_definition)
    definition = definition_of("'deregisteredRevisions':[1],'parameters':{'in':'x'},"
                               "'retryStrategy':{'attempts':3}," TEMPLATE,
                               "");
    AUTO(json_object) doc = definition_revision_encode(definition, 12);
    CHECK_TEXT("whole", json_print(doc),
               "{\"apiVersion\":\"apps/v1\",\"kind\":\"ControllerRevision\",\"metadata\":{"
               "\"name\":\"train-0a1b2c3d-12\",\"namespace\":\"ns\",\"labels\":{"
               "\"bulkhead.dev/job-definition\":\"train\"}},\"revision\":12,\"data\":{"
               "\"jobDefinition\":{\"name\":\"train\",\"uid\":\"0a1b2c3d-1\"},\"spec\":{"
               "\"parameters\":{\"in\":\"x\"},\"retryStrategy\":{\"attempts\":3},\"template\":{"
               "\"spec\":{\"containers\":[{\"image\":\"i\",\"name\":\"c\"}]}}}}}");
    AUTO(job_definition) back = NULL;
    struct err err;
    REQUIRE(definition_revision_decode(doc, &back, &err) == 0);
    CHECK_INT("number", back->revision, 12);
    CHECK_TEXT("of", back->of_name, "train");
    CHECK_TEXT("by uid", back->of_uid, "0a1b2c3d-1");
    CHECK_TEXT("valid", back->invalid, NULL);
    CHECK_TEXT("content", back->content, definition->content);
    CHECK_INT("attempts", back->retry.attempts.value, 3);
    CHECK_TEXT("template", back->template_.json,
               "{\"spec\":{\"containers\":[{\"image\":\"i\",\"name\":\"c\"}]}}");
    AUTO(json_object) again = definition_revision_encode(back, back->revision);
    CHECK_TEXT("made again it is the same", json_print(again), json_print(doc));
}

static const struct {
    const char *name, *doc;
} others[] = {
    {"another controller's", "{'metadata':{'name':'web-5c','namespace':'ns'},'revision':1}"},
    {"another name", "{'metadata':{'name':'x-0a1b2c3d-1','namespace':'ns'},'revision':1,'data':{"
                     "'jobDefinition':{'name':'train','uid':'0a1b2c3d-1'}}}"},
    {"another number", "{'metadata':{'name':'train-0a1b2c3d-1','namespace':'ns'},'revision':2,"
                       "'data':{'jobDefinition':{'name':'train','uid':'0a1b2c3d-1'}}}"},
};

TEST(what_we_did_not_make)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct err err = {.kind = ERR_NONE};
        struct job_definition *none = NULL;
        AUTO(json_object) doc = json_tokener_parse(others[i].doc);
        CHECK_INT(others[i].name, definition_revision_decode(doc, &none, &err), -1);
        CHECK_HAS(others[i].name, err.text, "not a revision of a JobDefinition");
    }
}

TEST(names_fit)
{
    AUTO_TEXT dots = text_printf("%0199d.%010d", 1, 2);
    AUTO_TEXT name = definition_revision_name(dots, "0a1b2c3d-1", 1);
    CHECK_TRUE("not too long", strlen(name) < 253);
    CHECK_TRUE("no dot before the dash", strstr(name, ".-") == NULL);
    int64_t number = 0;
    CHECK_INT("name", (int64_t)definition_ref_read("train:31", &number), 5);
    CHECK_INT("number", number, 31);
    CHECK_INT("name alone", (int64_t)definition_ref_read("train", &number), 5);
    CHECK_INT("no number", number, 0);
}

/* What was written is what a restart finds, so that it is not written again. */
TEST(a_status_is_recognized)
{
    int64_t active[] = {3, 1};
    char words[] = "words";
    const struct job_definition_status status = {
        .observed_generation = 4,
        .status = "ACTIVE",
        .reason = "DefinitionAccepted",
        .message = words,
        .latest_revision = 3,
        .active = {active, 2},
        .runs = {12, 30000, 500},
    };
    AUTO(job_definition) definition = definition_of(TEMPLATE, "");
    AUTO(json_object) doc = job_definition_status_encode(&definition->meta, &status, NULL, 0);
    AUTO_TEXT told = text_printf(",'status':%s", json_print(json_get(doc, "status")));
    AUTO(job_definition) back = definition_of(TEMPLATE, told);
    CHECK_INT("latest", back->latest_revision, 3);
    CHECK_INT("runs", back->runs.count, 12);
    CHECK_INT("their mean", back->runs.mean_ms, 30000);
    CHECK_INT("how far from it", back->runs.deviation_ms, 500);
    CHECK_TRUE("the same", back->told_hash == job_definition_status_hash(&status));
    active[1] = 2;
    CHECK_TRUE("another", back->told_hash != job_definition_status_hash(&status));
}
