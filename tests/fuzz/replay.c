/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - plays a fuzz target's corpus: what was found once stays found
 *
 *   build/check/api/pod_fuzz            every file of tests/api/corpus/pod/
 *   build/check/api/pod_fuzz FILE...    these instead: a crash that `make fuzz` kept, say
 *
 * Run in the root of the source tree. The last line is as tests/run.sh reads it. */
#include "fuzz/fuzz.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"

#include <glob.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

static int play(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    /* Exactly as large as the input, so that a byte read beyond it is found. */
    uint8_t *input = mem_new(INPUT_MAX);
    size_t size = fread(input, 1, INPUT_MAX, file);
    fclose(file);
    uint8_t *exact = mem_new(size > 0 ? size : 1);
    memcpy(exact, input, size);
    free(input);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

/* build/check/api/pod_fuzz -> tests/api/corpus/pod */
static char *corpus_of(const char *program)
{
    const char *name = strrchr(program, '/');
    if (name == NULL)
        return NULL;
    const char *module = name;
    while (module > program && module[-1] != '/')
        module--;
    int module_size = (int)(name - module);
    size_t name_size = strlen(name + 1);
    if (name_size <= strlen("_fuzz"))
        return NULL;
    return text_printf("tests/%.*s/corpus/%.*s", module_size, module,
                       (int)(name_size - strlen("_fuzz")), name + 1);
}

static int play_all(const char *folder, int *ret_played)
{
    AUTO_TEXT pattern = text_printf("%s/*", folder);
    glob_t files;
    if (glob(pattern, 0, NULL, &files) != 0) {
        fprintf(stderr, "%s: no corpus there; run this in the root of the source tree\n", folder);
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        if (play(files.gl_pathv[i]) < 0)
            result = -1;
        else
            (*ret_played)++;
    }
    globfree(&files);
    return result;
}

int main(int count, char **arguments)
{
    int played = 0;
    int failed = 0;
    for (int i = 1; i < count; i++) {
        if (play(arguments[i]) < 0)
            failed++;
        else
            played++;
    }
    AUTO_TEXT folder = corpus_of(arguments[0]);
    if (count == 1 && (folder == NULL || play_all(folder, &played) < 0 || played == 0))
        failed++;
    printf("check: %d passed, %d failed\n", played, failed);
    return failed > 0;
}
