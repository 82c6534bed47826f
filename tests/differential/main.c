/* SPDX-License-Identifier: Apache-2.0 */
/* differential - what bulkhead makes of pods and quantities, for comparison with Kubernetes itself
 *
 * usage: differential pods|quantities. Reads and prints the same lines as
 * hack/go/kubernetes/requests; hack/differential.py runs both and compares. */
#include "bulkhead/api/template.h"
#include "bulkhead/base/quantity.h"
#include "bulkhead/json/get.h"

#include <inttypes.h>
#include <json-c/json_tokener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t add_word(char **words, size_t count, const char *name, int64_t amount)
{
    if (amount != 0)
        words[count++] = text_printf("%s=%" PRId64, name, amount);
    return count;
}

static void print_requests(const struct resources *requests)
{
    char *words[RESOURCES_EXTENDED_MAX + 3];
    size_t count = 0;
    count = add_word(words, count, "cpu", requests->cpu_milli);
    count = add_word(words, count, "memory", requests->memory_bytes);
    count = add_word(words, count, "ephemeral-storage", requests->ephemeral_bytes);
    for (size_t i = 0; i < requests->extended_count; i++)
        count = add_word(words, count, requests->extended[i].name, requests->extended[i].amount);
    qsort(words, count, sizeof(words[0]), compare_texts);
    for (size_t i = 0; i < count; i++) {
        printf("%s%s", i > 0 ? " " : "", words[i]);
        free(words[i]);
    }
    printf("\n");
}

static void answer_pod(const char *line)
{
    struct resources requests = {.cpu_milli = 0};
    AUTO(json_object) pod = json_tokener_parse(line);
    if (pod == NULL ||
        pod_requests_decode(json_get_object(pod, "spec"), json_get_object(pod, "status"),
                            JSON_ROOT("spec"), &requests, NULL) < 0)
        printf("error\n");
    else
        print_requests(&requests);
    resources_done(&requests);
}

static void answer_quantity(const char *line)
{
    int64_t value = 0, milli = 0;
    if (quantity_value(line, &value, NULL) < 0 || quantity_milli(line, &milli, NULL) < 0)
        printf("error\n");
    else
        printf("%" PRId64 " %" PRId64 "\n", value, milli);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    const bool pods = strcmp(what, "pods") == 0;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    if (!pods && strcmp(what, "quantities") != 0) {
        fprintf(stderr, "usage: differential pods|quantities\n");
        return 2;
    }
    while ((size = getline(&line, &capacity, stdin)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            line[size - 1] = '\0';
        if (pods)
            answer_pod(line);
        else
            answer_quantity(line);
    }
    free(line);
    return ferror(stdin) != 0 || fflush(stdout) != 0;
}
