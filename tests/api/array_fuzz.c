/* SPDX-License-Identifier: Apache-2.0 */
/* array_fuzz.c - the state of an array: damaged text is refused, and what is packed reads the same
 */
#include "fuzz/fuzz.h"

#include "bulkhead/api/array_state.h"
#include "bulkhead/api/job.h"
#include "bulkhead/base/str.h"

#include <string.h>

enum { CHILDREN_MAX = 4096 };

static void round_trip(const uint8_t *data, uint32_t count)
{
    struct child_record *records = mem_new(sizeof(*records) * (count + 1));
    struct child_record *again = mem_new(sizeof(*again) * (count + 1));
    uint8_t *refusals = mem_new(count + 1);
    uint8_t *refusals_again = mem_new(count + 1);
    for (uint32_t i = 0; i < count; i++) {
        records[i].outcome = data[i] % 3;
        records[i].attempts = (uint8_t)(data[i] / 3 % (JOB_ATTEMPTS_MAX + 1));
        refusals[i] = data[i] >> 6;
    }
    AUTO_TEXT encoding = NULL;
    AUTO_TEXT packed = NULL;
    AUTO_TEXT listed = NULL;
    struct err err = {0};
    array_state_pack(records, count, &encoding, &packed);
    MUST(array_state_unpack(encoding, packed, again, count, &err) == 0);
    MUST(memcmp(records, again, sizeof(*records) * count) == 0);
    refusals_pack(refusals, count, SIZE_MAX, &listed);
    MUST(refusals_unpack(listed, refusals_again, count, &err) == 0);
    MUST(memcmp(refusals, refusals_again, count) == 0);
    free(records);
    free(again);
    free(refusals);
    free(refusals_again);
}

/* The first byte says which encoding the rest is taken for, the next two how many children. */
static void damaged(const uint8_t *data, size_t size)
{
    struct child_record *records = mem_new(sizeof(*records) * 65536);
    uint8_t *refusals = mem_new(65536);
    uint32_t count = 1U + data[1] * 256U + data[2];
    AUTO_TEXT text = fuzz_text(data + 3, size - 3);
    struct err err = {0};
    if (array_state_unpack(data[0] % 2 == 0 ? "runs" : "zn64", text, records, count, &err) < 0)
        MUST(err.text[0] != '\0');
    for (uint32_t i = 0; i < count && err.text[0] == '\0'; i++)
        MUST(records[i].outcome <= CHILD_FAILED && records[i].attempts <= JOB_ATTEMPTS_MAX);
    err = (struct err){0};
    if (refusals_unpack(text, refusals, count, &err) < 0)
        MUST(err.text[0] != '\0');
    free(records);
    free(refusals);
}

FUZZ(data, size)
{
    if (size < 4)
        return 0;
    damaged(data, size);
    round_trip(data, size < CHILDREN_MAX ? (uint32_t)size : CHILDREN_MAX);
    return 0;
}
