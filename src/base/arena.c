/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - memory for one turn: allocate freely, reset once
 *
 * A chain of blocks, newest first. A block that does not fit a request is left as it is, so at most
 * the tail of each block is wasted. Under AddressSanitizer whatever is not handed out is poisoned:
 * a use after arena_reset is then caught as any use after free would be. */
#include "bulkhead/base/arena.h"

#include "bulkhead/base/format.h"
#include "bulkhead/base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (UNUSED(address), UNUSED(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (UNUSED(address), UNUSED(size))
#endif

enum { ALIGNMENT = 16, BLOCK_BYTES = 64 * 1024 };

struct block {
    struct block *older;
    size_t size; /* of bytes */
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena {
    struct block *newest;
    unsigned char *at; /* what comes next, in the newest block */
    size_t left;       /* bytes there, and no more than the bound leaves */
    size_t size_max;
    size_t used; /* of the blocks before it */
};

static struct block *block_new(struct block *older, size_t size)
{
    struct block *block = mem_grow(NULL, sizeof(*block) + size, 1);
    block->older = older;
    block->size = size;
    ASAN_POISON_MEMORY_REGION(block->bytes, size);
    return block;
}

static void block_free(struct block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
    free(block);
}

size_t arena_used(const struct arena *arena)
{
    return arena->used + (size_t)(arena->at - arena->newest->bytes);
}

static void go_on_at(struct arena *arena, unsigned char *at)
{
    arena->at = at;
    arena->left = (size_t)(arena->newest->bytes + arena->newest->size - at);
    size_t used = arena_used(arena); /* may have passed the bound when it was rounded up */
    size_t bound = used < arena->size_max ? arena->size_max - used : 0;
    if (arena->left > bound)
        arena->left = bound;
}

struct arena *arena_new(size_t size_max)
{
    struct arena *arena = mem_new(sizeof(*arena));
    arena->size_max = size_max > 0 ? size_max : (size_t)1 << 30;
    arena->newest = block_new(NULL, BLOCK_BYTES);
    go_on_at(arena, arena->newest->bytes);
    return arena;
}

struct arena *arena_free(struct arena *arena)
{
    if (arena == NULL)
        return NULL;

    for (struct block *block = arena->newest, *older; block != NULL; block = older) {
        older = block->older;
        block_free(block);
    }
    free(arena);
    return NULL;
}

/* In a new block, or in what the bound leaves. */
__attribute__((noinline)) static unsigned char *take_rest(struct arena *arena, size_t size,
                                                          size_t rounded)
{
    size_t used = arena_used(arena);
    if (size > arena->size_max || used > arena->size_max - size) {
        fprintf(stderr, "arena: %zu bytes more than its bound of %zu\n", size, arena->size_max);
        abort();
    }
    struct block *block = arena->newest;
    unsigned char *bytes = arena->at;
    if (rounded > (size_t)(block->bytes + block->size - bytes)) {
        size_t doubled = block->size * 2 < 1024UL * 1024 ? block->size * 2 : 1024UL * 1024;
        arena->newest = block_new(block, rounded > doubled ? rounded : doubled);
        arena->used = used;
        bytes = arena->newest->bytes;
    }
    go_on_at(arena, bytes + rounded);
    return bytes;
}

/* Not cleared. */
static void *take(struct arena *arena, size_t size)
{
    /* Never zero bytes: two allocations are two addresses. Rounded up, the next one is aligned. */
    size_t rounded = (size + (size == 0) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    unsigned char *bytes = arena->at;
    if (rounded <= arena->left && rounded >= size) {
        arena->at += rounded;
        arena->left -= rounded;
    } else {
        bytes = take_rest(arena, size, rounded);
    }
    ASAN_UNPOISON_MEMORY_REGION(bytes, size);
    return bytes;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

void *arena_grow(struct arena *arena, const void *old, size_t used, size_t size)
{
    char *grown = take(arena, size);
    if (used > 0)
        memcpy(grown, old, used);
    memset(grown + used, 0, size - used);
    return grown;
}

char *arena_copy(struct arena *arena, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(take(arena, size), text, size);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);

    char most[256]; /* long enough for most: then it is printed once */
    int wanted = format_va(most, sizeof(most), format, args);
    va_end(args);
    assert(wanted >= 0);

    char *text = take(arena, (size_t)wanted + 1);
    if ((size_t)wanted < sizeof(most))
        memcpy(text, most, (size_t)wanted + 1);
    else
        format_va(text, (size_t)wanted + 1, format, again);
    va_end(again);
    return text;
}

void arena_reset(struct arena *arena)
{
    while (arena->newest->older != NULL) {
        struct block *block = arena->newest;
        arena->newest = block->older;
        block_free(block);
    }
    ASAN_POISON_MEMORY_REGION(arena->newest->bytes, arena->newest->size);
    arena->used = 0;
    go_on_at(arena, arena->newest->bytes);
}
