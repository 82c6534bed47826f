/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - text keys to borrowed pointers
 *
 * Two arrays. `entries` holds keys and values in order of insertion; a removed entry stays as a
 * hole (key NULL) until the array is full or mostly holes, when a put squeezes them out. `slots` is
 * the open-addressed table: it holds places in `entries`, plus one, so that zero means free. It is
 * at most two thirds full; removal shifts the run behind it back, so there are no tombstones to
 * clean up.
 *
 * Removing never moves an entry, which is what lets a walk remove what it has just been given.
 * The hash is seeded per process, so nobody can choose keys that collide; the order of a walk does
 * not depend on it. */
#include "bulkhead/base/map.h"

#include "bulkhead/base/str.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct entry {
    uint64_t hash;
    char *key; /* NULL: a hole */
    void *value;
};

struct map {
    struct entry *entries;
    size_t first;       /* no entry before this place is live */
    size_t entry_count; /* holes included */
    size_t entry_capacity;
    size_t live_count;
    uint32_t *slots;
    size_t slot_count; /* a power of two, or 0 */
};

/* --- Hash --------------------------------------------------------------------------------------
 */

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 8 bytes as a little-endian number, so that the hash is the same on every machine. */
static uint64_t load(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

/* The same of 1 to 7 bytes: two loads that may overlap, or each byte; a memcpy of a size that is
 * not known before would be a call. */
static uint64_t load_few(const unsigned char *bytes, size_t size)
{
    if (size < 4) {
        uint64_t middle = bytes[size / 2], last = bytes[size - 1];
        return bytes[0] | middle << (size / 2 * 8) | last << ((size - 1) * 8);
    }
    uint32_t first, last;
    memcpy(&first, bytes, sizeof(first));
    memcpy(&last, bytes + size - sizeof(last), sizeof(last));
    return le32toh(first) | (uint64_t)le32toh(last) << ((size - sizeof(last)) * 8);
}

/* Multiply and fold, 16 bytes a step, in the manner of wyhash. Both factors are mixed with
 * something that depends on the seed, so that nobody who does not know it can make one of them
 * zero. */
uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    static const uint64_t k0 = 0xa0761d6478bd642fU, k1 = 0xe7037ed1a0b428dbU,
                          k2 = 0x8ebc6af09c88c6e3U;
    const unsigned char *at = bytes;
    size_t left = size;
    uint64_t secret = fold(seed ^ k2, k0);
    uint64_t state = fold(seed ^ k0, k1);

    for (; left > 16; at += 16, left -= 16)
        state = fold(load(at) ^ secret, load(at + 8) ^ state);

    uint64_t low = 0, high = 0;
    if (left > 8) {
        low = load(at);
        high = load(at + left - 8) >> (16 - left) * 8; /* all that is behind low */
    } else if (left > 0 && size >= 8) {
        low = load(at + left - 8) >> (8 - left) * 8;
    } else if (left > 0) {
        low = load_few(at, left);
    }
    return fold(fold(low ^ secret, high ^ state) ^ k2, (uint64_t)size ^ k1);
}

uint64_t hash_text(const char *text, uint64_t seed)
{
    return text != NULL ? hash_bytes(text, strlen(text), seed) : seed + 1;
}

static uint64_t process_seed;

__attribute__((constructor)) static void choose_seed(void)
{
    /* Without randomness the map still works; only hostile keys could make it slow. */
    if (getrandom(&process_seed, sizeof(process_seed), GRND_NONBLOCK) < 0)
        process_seed = 0;
}

/* --- Table -------------------------------------------------------------------------------------
 */

struct map *map_new(void)
{
    return mem_new(sizeof(struct map));
}

struct map *map_free(struct map *map)
{
    if (map == NULL)
        return NULL;

    for (size_t i = map->first; i < map->entry_count; i++)
        free(map->entries[i].key);
    free(map->entries);
    free(map->slots);
    free(map);
    return NULL;
}

/* The slot that holds key, or the free slot where it would go. */
static size_t find_slot(const struct map *map, const char *key, uint64_t hash)
{
    size_t mask = map->slot_count - 1;
    for (size_t slot = (size_t)hash & mask;; slot = (slot + 1) & mask) {
        if (map->slots[slot] == 0)
            return slot;
        const struct entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->hash == hash && strcmp(entry->key, key) == 0)
            return slot;
    }
}

static uint64_t hash_key(const char *key)
{
    return hash_bytes(key, strlen(key), process_seed);
}

void *map_get(const struct map *map, const char *key)
{
    if (map->live_count == 0)
        return NULL;

    uint32_t place = map->slots[find_slot(map, key, hash_key(key))];
    return place != 0 ? map->entries[place - 1].value : NULL;
}

/* The table again, from entries without holes. */
static void rebuild_slots(struct map *map, size_t slot_count)
{
    if (slot_count != map->slot_count) {
        free(map->slots);
        map->slots = mem_new(slot_count * sizeof(*map->slots));
        map->slot_count = slot_count;
    } else {
        memset(map->slots, 0, slot_count * sizeof(*map->slots));
    }

    size_t mask = slot_count - 1;
    for (size_t i = 0; i < map->entry_count; i++) {
        size_t slot = (size_t)map->entries[i].hash & mask;
        while (map->slots[slot] != 0)
            slot = (slot + 1) & mask;
        map->slots[slot] = (uint32_t)(i + 1);
    }
}

/* A map that has shrunk a lot must not make every later walk pay for what it once held. */
static bool is_mostly_holes(const struct map *map)
{
    size_t walked = map->entry_count - map->first;
    return walked > 64 && map->live_count < walked / 4;
}

/* Called when the entries are full or mostly holes: squeezes out the holes, then grows or shrinks
 * to twice what lives, so that the cost is shared by as many puts as there were entries moved. */
static void make_room(struct map *map)
{
    size_t live = 0;
    for (size_t i = map->first; i < map->entry_count; i++) {
        if (map->entries[i].key != NULL)
            map->entries[live++] = map->entries[i];
    }
    assert(live == map->live_count);
    map->first = 0;
    map->entry_count = live;

    size_t capacity = live > 4 ? live * 2 : 8;
    assert(capacity < UINT32_MAX);
    map->entries = mem_grow(map->entries, capacity, sizeof(*map->entries));
    map->entry_capacity = capacity;

    size_t slot_count = 16;
    while (slot_count * 2 < capacity * 3)
        slot_count *= 2;
    rebuild_slots(map, slot_count);
}

void *map_put(struct map *map, const char *key, void *value)
{
    assert(key != NULL);
    assert(value != NULL);

    uint64_t hash = hash_key(key);
    if (map->slot_count > 0) {
        uint32_t place = map->slots[find_slot(map, key, hash)];
        if (place != 0) {
            void *replaced = map->entries[place - 1].value;
            map->entries[place - 1].value = value;
            return replaced;
        }
    }

    char *copy = text_copy(key);
    if (map->entry_count == map->entry_capacity || is_mostly_holes(map))
        make_room(map);
    map->entries[map->entry_count++] = (struct entry){.hash = hash, .key = copy, .value = value};
    map->slots[find_slot(map, copy, hash)] = (uint32_t)map->entry_count;
    map->live_count++;
    return NULL;
}

/* Frees a slot and moves back whatever had been pushed past it, so that no search stops early. */
static void free_slot(struct map *map, size_t slot)
{
    size_t mask = map->slot_count - 1;
    size_t hole = slot;
    for (size_t next = (hole + 1) & mask; map->slots[next] != 0; next = (next + 1) & mask) {
        size_t home = (size_t)map->entries[map->slots[next] - 1].hash & mask;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            map->slots[hole] = map->slots[next];
            hole = next;
        }
    }
    map->slots[hole] = 0;
}

void *map_remove(struct map *map, const char *key)
{
    if (map->live_count == 0)
        return NULL;

    size_t slot = find_slot(map, key, hash_key(key));
    if (map->slots[slot] == 0)
        return NULL;

    struct entry *entry = &map->entries[map->slots[slot] - 1];
    void *value = entry->value;
    free_slot(map, slot);
    free(entry->key); /* key may be this very text: not used from here on */
    *entry = (struct entry){0, NULL, NULL};
    map->live_count--;

    /* A queue taken from the front must not leave its walks ever more holes to step over. */
    while (map->first < map->entry_count && map->entries[map->first].key == NULL)
        map->first++;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->live_count;
}

void *map_next(const struct map *map, size_t *index, const char **ret_key)
{
    size_t i = *index > map->first ? *index : map->first;
    for (; i < map->entry_count; i++) {
        if (map->entries[i].key == NULL)
            continue;
        *index = i + 1;
        if (ret_key != NULL)
            *ret_key = map->entries[i].key;
        return map->entries[i].value;
    }
    *index = i;
    return NULL;
}
