/* SPDX-License-Identifier: Apache-2.0 */
/* service.h: names of nodes, and the Service that makes them known */
#include "bulkhead/api/service.h"

#include "check.h"

#include <json-c/json_tokener.h>

#include <string.h>

#define UID "0a1b2c3d-4e5f-6789-abcd-ef0123456789"

static const struct {
    const char *name, *job, *service, *node;
} named[] = {
    {"a plain name", "train", "train-0a1b2c3d", "train-0a1b2c3d-7.train-0a1b2c3d.team.svc"},
    {"dots are for DNS to read", "a.b.c", "a-b-c-0a1b2c3d",
     "a-b-c-0a1b2c3d-7.a-b-c-0a1b2c3d.team.svc"},
    {"a Service's name starts with a letter", "7b-model", "job-7b-model-0a1b2c3d",
     "job-7b-model-0a1b2c3d-7.job-7b-model-0a1b2c3d.team.svc"},
    {"a long name is cut", "an-experiment-with-a-very-long-name-indeed",
     "an-experiment-with-a-very-long-0a1b2c3d",
     "an-experiment-with-a-very-long-0a1b2c3d-7.an-experiment-with-a-very-long-0a1b2c3d.team.svc"},
};

TEST(names)
{
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        AUTO_TEXT job = text_copy(named[i].job);
        AUTO_TEXT uid = text_copy(UID);
        AUTO_TEXT team = text_copy("team");
        const struct object_meta meta = {.name = job, .uid = uid, .namespace_ = team};
        AUTO_TEXT service = node_service_name(job, uid);
        AUTO_TEXT dns = node_dns_name(&meta, 7);
        AUTO_TEXT host = node_host_name(service, 999);
        CHECK_TEXT(named[i].name, service, named[i].service);
        CHECK_TEXT(named[i].name, dns, named[i].node);
        CHECK_TRUE("a DNS label", strlen(host) <= 63);
    }
}

TEST(the_service)
{
    AUTO_TEXT job = text_copy("train");
    AUTO_TEXT uid = text_copy(UID);
    AUTO_TEXT team = text_copy("team");
    const struct object_meta meta = {.name = job, .uid = uid, .namespace_ = team};
    AUTO(json_object) doc = node_service_encode(&meta);
    CHECK_TEXT("headless, also while nobody is ready, and the job's", json_print(doc),
               "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{"
               "\"name\":\"train-0a1b2c3d\",\"namespace\":\"team\","
               "\"labels\":{\"bulkhead.dev/job-uid\":\"" UID "\"},"
               "\"ownerReferences\":[{\"apiVersion\":\"bulkhead.dev/v1alpha1\","
               "\"kind\":\"BatchJob\",\"name\":\"train\",\"uid\":\"" UID "\","
               "\"controller\":true,\"blockOwnerDeletion\":false}]},"
               "\"spec\":{\"clusterIP\":\"None\",\"publishNotReadyAddresses\":true,"
               "\"selector\":{\"bulkhead.dev/job-uid\":\"" UID "\"}}}");
    AUTO(node_service) service = NULL;
    REQUIRE(node_service_decode(doc, &service, NULL) == 0);
    CHECK_TEXT("whose", service->job_uid, UID);
    CHECK_TEXT("name", service->meta.name, "train-0a1b2c3d");
}

#define OWNER(kind, uid)                                                                           \
    "'ownerReferences':[{'apiVersion':'bulkhead.dev/v1alpha1','kind':'" kind                       \
    "','name':'train','uid':'" uid "','controller':true}]"

static const struct {
    const char *name, *meta;
} foreign[] = {
    {"nobody's", "'name':'train-0a1b2c3d'"},
    {"of another kind", "'name':'train-0a1b2c3d'," OWNER("Job", UID)},
    {"of another job of that name", "'name':'train-0a1b2c3d'," OWNER("BatchJob", "ffffffff-1")},
    {"a second one, made by hand", "'name':'other'," OWNER("BatchJob", UID)},
};

TEST(what_is_not_ours)
{
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        AUTO_TEXT text = text_printf("{'metadata':{%s}}", foreign[i].meta);
        AUTO(json_object) doc = json_tokener_parse(text);
        struct node_service *service = NULL;
        REQUIRE(doc != NULL);
        CHECK_INT(foreign[i].name, node_service_decode(doc, &service, NULL), -1);
    }
}
