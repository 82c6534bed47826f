/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of pod builders: what it keeps, what it lets go, and that it never mixes jobs up. */
#include "controller/builders.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static struct pod_template template_of(const char *image, uint64_t hash)
{
    return (struct pod_template){
        .json =
            text_printf("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"%s\"}]}}", image),
        .hash = hash};
}

static bool prints(const struct pod_builder *builder, const struct pod_order *order,
                   const char *wanted)
{
    AUTO_STR text = STR_EMPTY;
    pod_builder_print(builder, order, &text);
    return strstr(str_text(&text), wanted) != NULL;
}

TEST(builders_are_kept_by_job_and_template)
{
    char uid[][3] = {"u1", "u2", "u3"};
    char name[] = "j";
    struct batch_job jobs[3];
    struct pod_template one = template_of("one", 1);
    struct pod_template two = template_of("two", 2);
    AUTO(builders) builders = builders_new(2, BUILDERS_BYTES_MAX);
    for (size_t i = 0; i < 3; i++)
        jobs[i] = (struct batch_job){.meta = {.name = name, .uid = uid[i]}};

    struct pod_order order = {.job = &jobs[0], .template_ = &one};
    const struct pod_builder *first = builders_get(builders, &order, NULL);
    REQUIRE(first != NULL);
    CHECK_INT("kept", builders_get(builders, &order, NULL) == first, 1);
    CHECK_INT("one", prints(first, &order, "\"one\""), 1);

    order.template_ = &two;
    const struct pod_builder *second = builders_get(builders, &order, NULL);
    CHECK_INT("another template of the job", second != first, 1);
    CHECK_INT("two", prints(second, &order, "\"two\""), 1);

    order.template_ = &one; /* used again, so that the other one is the older */
    (void)builders_get(builders, &order, NULL);
    order.job = &jobs[1];
    const struct pod_builder *third = builders_get(builders, &order, NULL);
    CHECK_INT("bounded", (int64_t)builders_count(builders), 2);
    CHECK_INT("its own job", prints(third, &order, "\"u2\""), 1);
    order.job = &jobs[0];
    CHECK_INT("recently used", builders_get(builders, &order, NULL) == first, 1);
    free(one.json);
    free(two.json);
}

TEST(builders_are_bounded_by_bytes)
{
    char uid[3][3] = {"u1", "u2", "u3"};
    char name[] = "j";
    struct pod_template one = template_of("one", 1);
    AUTO(builders) builders = builders_new(BUILDERS_MAX, 1);
    for (size_t i = 0; i < 3; i++) {
        struct batch_job job = {.meta = {.name = name, .uid = uid[i]}};
        struct pod_order order = {.job = &job, .template_ = &one};
        REQUIRE(builders_get(builders, &order, NULL) != NULL);
        CHECK_INT("one at a time", (int64_t)builders_count(builders), 1);
    }
    free(one.json);
}

TEST(builders_of_results)
{
    char uid[] = "u1", name[] = "j", on[] = "a";
    struct dependency dependency = {.job_name = on};
    struct pod_template one = template_of("Ref::jobs.a", 1);
    struct batch_job job = {
        .meta = {.name = name, .uid = uid}, .dependencies = &dependency, .dependency_count = 1};
    text_set(&one.json,
             "{\"spec\":{\"containers\":[{\"name\":\"c\",\"args\":[\"Ref::jobs.a\"]}]}}");
    AUTO(builders) builders = builders_new(BUILDERS_MAX, BUILDERS_BYTES_MAX);
    struct pod_order order = {.job = &job, .template_ = &one};
    const struct pod_builder *dry = builders_get(builders, &order, NULL);
    REQUIRE(dry != NULL);
    CHECK_INT("a dry run comes first", prints(dry, &order, "[\"Ref::jobs.a\"]"), 1);

    static const char *const results[] = {"one", "two"}; /* of children, say: never kept */
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        struct key_values values = {NULL, 0};
        AUTO_TEXT wanted = text_printf("[\"%s\"]", results[i]);
        key_values_set(&values, "jobs.a", results[i]);
        order.values = &values;
        const struct pod_builder *builder = builders_get(builders, &order, NULL);
        CHECK_INT(results[i], prints(builder, &order, wanted), 1);
        CHECK_INT("one for all values", (int64_t)builders_count(builders), 2);
        key_values_done(&values);
    }
    free(one.json);
}
