/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c - malloc for the simulator, which makes and frees millions of small things a second
 *
 * Linked into build/sim and build/sim-fast in place of libc's: a block that is freed goes to a list
 * of its size, and comes from there. No lock (one thread), no joining of neighbours, nothing goes
 * back to the kernel before the process ends: it holds as much of each size as it ever needed at
 * once, and one world needs what the one before needed. Whatever looks for mistakes with memory
 * (sim-check's sanitizers, fuzzing) is built without this file.
 *
 * A block is eight bytes that say its class, and the room behind them, which is aligned to 16. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* As stdlib.h and malloc.h have them: names of arguments are theirs to choose. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *reallocarray(void *old, size_t count, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **ret, size_t alignment, size_t size);
size_t malloc_usable_size(void *block);
void free(void *block);

enum {
    STEP = 16,       /* bytes between small classes */
    SMALL = 64,      /* classes 1..64 are so many steps; beyond, each is twice the one before */
    CLASSES = 128,   /* more than a machine can have */
    CHUNK = 4 << 20, /* what is asked of the kernel at once */
    HEADER = sizeof(size_t),
};

static void *free_blocks[CLASSES];
static void *pages;             /* what the kernel gave last */
static char *chunk, *chunk_end; /* the rest of them; chunk is eight bytes short of being aligned */

static size_t class_bytes(size_t class_)
{
    return class_ <= SMALL ? class_ * STEP : (size_t)SMALL * STEP << (class_ - SMALL);
}

/* Of the smallest blocks with so many bytes, header included. */
static size_t class_of(size_t bytes)
{
    if (bytes <= (size_t)SMALL * STEP)
        return (bytes + STEP - 1) / STEP;
    size_t steps = (bytes - 1) / ((size_t)SMALL * STEP);
    return SMALL + 64 - (size_t)__builtin_clzl(steps);
}

static size_t *header_of(void *block)
{
    return (size_t *)block - 1;
}

__attribute__((noinline)) static void *block_new(size_t class_)
{
    size_t bytes = class_bytes(class_);
    if (bytes > (size_t)(chunk_end - chunk)) {
        size_t wanted = bytes + STEP > CHUNK ? bytes + STEP : CHUNK;
        /* cppcheck-suppress invalidFunctionArg ; no file stands behind it */
        pages = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED) {
            chunk = chunk_end = NULL;
            errno = ENOMEM;
            return NULL;
        }
        chunk = (char *)pages + HEADER;
        chunk_end = (char *)pages + wanted;
    }
    void *block = chunk + HEADER;
    *header_of(block) = class_;
    chunk += bytes;
    return block;
}

void *malloc(size_t size)
{
    if (size > PTRDIFF_MAX / 4) {
        errno = ENOMEM;
        return NULL;
    }
    size_t class_ = class_of(size + HEADER);
    void *block = free_blocks[class_];
    if (block == NULL)
        return block_new(class_);
    free_blocks[class_] = *(void **)block;
    return block;
}

void free(void *block)
{
    if (block == NULL)
        return;
    size_t class_ = *header_of(block);
    *(void **)block = free_blocks[class_];
    free_blocks[class_] = block;
}

size_t malloc_usable_size(void *block)
{
    return block != NULL ? class_bytes(*header_of(block)) - HEADER : 0;
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = malloc(bytes);
    return block != NULL ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *old, size_t size)
{
    if (old == NULL)
        return malloc(size);
    size_t room = malloc_usable_size(old);
    if (size <= room)
        return old;
    void *block = malloc(size);
    if (block == NULL)
        return NULL;
    memcpy(block, old, room);
    free(old);
    return block;
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

/* Nothing here asks for more than any block has. */
void *memalign(size_t alignment, size_t size)
{
    if (alignment <= STEP)
        return malloc(size);
    errno = ENOMEM;
    return NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *block = memalign(alignment, size);
    if (block == NULL)
        return ENOMEM;
    *ret = block;
    return 0;
}
