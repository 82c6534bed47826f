/* SPDX-License-Identifier: Apache-2.0 */
/* References to results: found, valued, and put into pods. */
#include "bulkhead/api/references.h"
#include "bulkhead/api/template.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *arg, *want; /* text@dependency:path */
} found[] = {
    {"none", "Ref::input jobs.a Ref::jobs Ref::jobs. Ref::jobs.-a", ""},
    {"the whole", "Ref::jobs.a", "jobs.a@0"},
    {"a field", "Ref::jobs.a.count", "jobs.a.count@0:count"},
    {"a nested one, and what may follow", "x=Ref::jobs.a.b.c_1,Ref::jobs.a.b-1 Ref::jobs.a.",
     "jobs.a.b.c_1@0:b.c_1 jobs.a.b@0:b jobs.a@0"},
    {"once", "Ref::jobs.a Ref::jobs.a", "jobs.a@0"},
    {"the longest name", "Ref::jobs.a.b.c Ref::jobs.a-b", "jobs.a.b.c@0:b.c jobs.a-b@2"},
    {"a name with dots", "Ref::jobs.a.dot.c Ref::jobs.a.dotted",
     "jobs.a.dot.c@1:c jobs.a.dotted@0:dotted"},
    {"a dash that no name goes on with", "Ref::jobs.a-Ref::jobs.a-X", "jobs.a@0"},
    {"by a parameter", "Ref::p", "jobs.a.x@0:x"},
    {"in two parts", "Ref::half.count", "jobs.a.count@0:count"},
    {"another job", "Ref::jobs.a Ref::jobs.bb-.x",
     "Ref::jobs.bb: expected an entry with jobName bb in spec.dependsOn"},
    {"another that one's name starts", "Ref::jobs.ab",
     "Ref::jobs.ab: expected an entry with jobName ab in spec.dependsOn"},
};

struct fixture {
    char names[3][8], keys[2][8], values[2][16];
    struct dependency dependencies[4];
    struct key_value parameters[2];
    struct batch_job job;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){
        .names = {"a", "a.dot", "a-b"},
        .keys = {"p", "half"},
        .values = {"Ref::jobs.a.x", "Ref::jobs.a"},
    };
    for (size_t i = 0; i < 3; i++)
        f->dependencies[i].job_name = f->names[i];
    for (size_t i = 0; i < 2; i++)
        f->parameters[i] = (struct key_value){f->keys[i], f->values[i]};
    f->job = (struct batch_job){.dependencies = f->dependencies,
                                .dependency_count = 4, /* the last: SEQUENTIAL */
                                .parameters = {f->parameters, 2}};
}

static struct pod_template template_with(const char *arg)
{
    return (struct pod_template){
        .json = text_printf("{\"spec\":{\"initContainers\":[{\"command\":[\"%s\"]}],"
                            "\"containers\":[{\"name\":\"c\",\"args\":[\"%s\",\"%s\"]}]}}",
                            arg, arg, arg)};
}

TEST(references_in_a_template)
{
    struct fixture f;
    set_up(&f);
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        struct err err = {0};
        struct references references = {NULL, 0};
        struct pod_template template_ = template_with(found[i].arg);
        AUTO_STR got = STR_EMPTY;
        if (references_find(&f.job, NULL, &template_, &references, &err) < 0)
            str_add(&got, err.text);
        for (size_t j = 0; j < references.count; j++) {
            const struct reference *reference = &references.items[j];
            str_addf(&got, "%s%s@%zu", j > 0 ? " " : "", reference->text, reference->dependency);
            if (reference->path != NULL)
                str_addf(&got, ":%s", reference->path);
        }
        CHECK_TEXT(found[i].name, str_text(&got), found[i].want);
        references_done(&references);
        free(template_.json);
    }
}

TEST(too_many_references)
{
    struct fixture f;
    set_up(&f);
    AUTO_STR arg = STR_EMPTY;
    for (int i = 0; i <= REFERENCES_MAX; i++)
        str_addf(&arg, "Ref::jobs.a.f%d ", i);
    struct err err = {0};
    struct references references = {NULL, 0};
    struct pod_template template_ = template_with(str_text(&arg));
    CHECK_INT("refused", references_find(&f.job, NULL, &template_, &references, &err), -1);
    CHECK_TEXT("why", err.text, "more than 32 different references to results");
    free(template_.json);
}

static const struct {
    const char *name, *result, *path, *want;
} values[] = {
    {"the whole", "any text", NULL, "any text"},
    {"a number", "{\"n\":12}", "n", "12"},
    {"as it was written", "{\"n\":1.50}", "n", "1.50"},
    {"a text", "{\"t\":\"a \\\"b\\\"\"}", "t", "a \"b\""},
    {"a bool", "{\"b\":false}", "b", "false"},
    {"nested", "{\"a\":{\"b\":{\"c\":1}}}", "a.b.c", "1"},
    {"an object", "{\"a\":{\"b\": [1, 2]}}", "a", "{\"b\":[1,2]}"},
    {"missing", "{\"a\":1}", "b", "has no field b"},
    {"null", "{\"a\":null}", "a", "has no field a"},
    {"missing further down", "{\"a\":{\"b\":1}}", "a.x.y", "has no field a.x"},
    {"of a number", "{\"a\":1}", "a.b", "has no field a.b"},
    {"not JSON", "three", "a", "is not a JSON object"},
    {"a list", "[1]", "a", "is not a JSON object"},
    {"more than one", "{\"a\":1} {", "a", "is not a JSON object"},
};

TEST(values_of_references)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct err err = {0};
        AUTO_TEXT value = NULL;
        int result = reference_value(values[i].result, values[i].path, &value, &err);
        CHECK_TEXT(values[i].name, result < 0 ? err.text : value, values[i].want);
    }
}

TEST(a_result_that_was_cut)
{
    AUTO_TEXT result = text_printf("{\"a\":\"%0*d\"}", 5000, 1);
    result[4096] = '\0';
    struct err err = {0};
    char *value = NULL;
    CHECK_INT("refused", reference_value(result, "a", &value, &err), -1);
    CHECK_TEXT("why", err.text, "is not a JSON object: it was cut at 4096 bytes");
}

static const struct {
    const char *name, *arg, *want;
} built[] = {
    {"a value", "n=Ref::jobs.a.x.", "n=7."},
    {"one that a marker could be made of", "@bulkhead-0-Ref::jobs.a", "@bulkhead-0-l1@ \"\\"},
    {"not looked at again", "Ref::jobs.a-b", "Ref::jobs.a $$(HOME) $$$$"},
    {"one that is not known", "Ref::jobs.a.y", "Ref::jobs.a.y"},
    {"by a parameter", "Ref::p", "7"},
};

TEST(values_in_pods)
{
    struct fixture f;
    set_up(&f);
    char name[] = "j";
    f.job.meta = (struct object_meta){.name = name, .uid = name};
    struct key_values list = {NULL, 0};
    key_values_set(&list, "jobs.a.x", "7");
    key_values_set(&list, "jobs.a", "l1@ \"\\");
    key_values_set(&list, "jobs.a-b", "Ref::jobs.a $(HOME) $$");
    for (size_t i = 0; i < ARRAY_LEN(built); i++) {
        struct pod_template template_ = template_with(built[i].arg);
        const struct pod_order order = {
            .job = &f.job, .template_ = &template_, .name = "p", .values = &list};
        struct json_object *pod = NULL;
        struct err err = {0};
        CHECK_INT(built[i].name, pod_build(&order, &pod, &err), 0);
        struct json_object *list_ = json_get_list(json_get_object(pod, "spec"), "containers");
        struct json_object *args = json_get_list(json_list_at(list_, 0), "args");
        CHECK_TEXT(built[i].name, json_object_get_string(json_list_at(args, 1)), built[i].want);
        json_object_put(pod);
        free(template_.json);
    }
    key_values_done(&list);
}
