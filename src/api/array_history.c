/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of children, few kinds of them and mostly in few sequences.
 *
 * In memory a child is the number of a node in a tree of sequences: the node's parent is the
 * sequence without its last end. So a million children that failed twice with exit code 1 cost
 * three nodes and two bytes each, and one more end is one look into a hash table. A child whose
 * sequence cannot be told (it had failed and was left out of the text at the last start, or there
 * are as many sequences as there may be) stands at NODE_LOST and stays there.
 *
 * As text the sequences are written out: most arrays fail in one way, and what is all the same
 * takes zlib no room. It is compressed piece by piece until the bound is reached. */
#define ZLIB_CONST /* what is read is const */
#include "bulkhead/api/array_history.h"

#include "bulkhead/api/job.h"
#include "bulkhead/api/packing.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    NODE_NONE = 0, /* no end yet */
    NODE_LOST = UINT16_MAX,
    BYTE_STOPPED = 254, /* the next byte is for what was no attempt */
    BYTE_UNTOLD = 255,
    WRITTEN_MAX = HISTORY_CHILD_MAX + 1, /* bytes of one child */
    PIECE_MAX = 8192,
    PIECE_MIN = 256,
    PIECE_COST = 64,               /* at most so much more than the piece itself */
    STREAM_MAX = 64 * 1024 * 1024, /* of text that somebody else may have written */
    ZLIB_LEVEL = 4,
};

struct node {
    uint16_t parent;
    uint8_t end, depth;
};

struct kind {
    char *status_reason, *reason; /* NULL: none */
    struct opt_i64 exit_code;
};

struct array_history {
    uint32_t size;
    uint16_t *children; /* node of each */
    struct node *nodes; /* [0] is the empty sequence */
    size_t node_count, node_capacity;
    uint16_t *slots; /* nodes by parent and end; 0: free */
    size_t slot_count;
    struct kind kinds[HISTORY_ENDS_MAX];
    size_t kind_count, words;
};

struct array_history *array_history_new(uint32_t size)
{
    struct array_history *history = mem_new(sizeof(*history));
    history->size = size;
    history->children = mem_new((size_t)size * sizeof(*history->children));
    ARRAY_ROOM(history->nodes, history->node_count, history->node_capacity);
    history->nodes[history->node_count++] = (struct node){0};
    return history;
}

struct array_history *array_history_free(struct array_history *history)
{
    if (history == NULL)
        return NULL;
    for (size_t i = 0; i < history->kind_count; i++) {
        free(history->kinds[i].status_reason);
        free(history->kinds[i].reason);
    }
    free(history->children);
    free(history->nodes);
    free(history->slots);
    free(history);
    return NULL;
}

size_t array_history_kinds(const struct array_history *history)
{
    return history->kind_count;
}

/* ---- kinds of ends ---- */

/* On one line, and cut, so that a message with a different tail each time is one kind. */
static char *words_of(const char *words)
{
    if (words == NULL || words[0] == '\0')
        return NULL;
    char *copy = text_copy_max(words, HISTORY_WORDS_MAX);
    for (char *c = copy; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            *c = ' ';
    }
    return copy;
}

static bool kind_is(const struct kind *kind, const char *status_reason, const char *reason,
                    struct opt_i64 exit_code)
{
    return kind->exit_code.set == exit_code.set &&
           (!exit_code.set || kind->exit_code.value == exit_code.value) &&
           text_eq(kind->status_reason, status_reason) && text_eq(kind->reason, reason);
}

/* The byte for it; BYTE_UNTOLD: there are as many kinds as there may be. */
static uint8_t kind_byte(struct array_history *history, const struct history_end *end)
{
    if (!end->told)
        return BYTE_UNTOLD;
    AUTO_TEXT status_reason = words_of(end->status_reason);
    AUTO_TEXT reason = words_of(end->reason);
    for (size_t i = 0; i < history->kind_count; i++) {
        if (kind_is(&history->kinds[i], status_reason, reason, end->exit_code))
            return (uint8_t)(i + 1);
    }
    size_t words =
        (status_reason != NULL ? strlen(status_reason) : 0) + (reason != NULL ? strlen(reason) : 0);
    if (history->kind_count == HISTORY_ENDS_MAX || history->words + words > HISTORY_WORDS_TOTAL)
        return BYTE_UNTOLD;
    history->words += words;
    history->kinds[history->kind_count++] =
        (struct kind){STEAL(status_reason), STEAL(reason), end->exit_code};
    return (uint8_t)history->kind_count;
}

/* ---- sequences ---- */

static size_t slot_of(const struct array_history *history, uint16_t parent, uint8_t end)
{
    size_t mask = history->slot_count - 1;
    size_t slot = ((size_t)parent * 256 + end) * 0x9E3779B1U >> 8 & mask;
    for (;; slot = (slot + 1) & mask) {
        uint16_t node = history->slots[slot];
        if (node == NODE_NONE ||
            (history->nodes[node].parent == parent && history->nodes[node].end == end))
            return slot;
    }
}

static void slots_grow(struct array_history *history)
{
    size_t slot_count = 64;
    while (slot_count < history->node_count * 4)
        slot_count *= 2;
    free(history->slots);
    history->slots = mem_new(slot_count * sizeof(*history->slots));
    history->slot_count = slot_count;
    for (size_t i = 1; i < history->node_count; i++) {
        const struct node *node = &history->nodes[i];
        history->slots[slot_of(history, node->parent, node->end)] = (uint16_t)i;
    }
}

static uint16_t node_after(struct array_history *history, uint16_t parent, uint8_t end)
{
    if (parent == NODE_LOST || history->nodes[parent].depth == HISTORY_CHILD_MAX)
        return NODE_LOST;
    if (history->slot_count < history->node_count * 2)
        slots_grow(history);
    size_t slot = slot_of(history, parent, end);
    if (history->slots[slot] != NODE_NONE)
        return history->slots[slot];
    if (history->node_count == HISTORY_NODES_MAX)
        return NODE_LOST;
    ARRAY_ROOM(history->nodes, history->node_count, history->node_capacity);
    uint8_t depth = (uint8_t)(history->nodes[parent].depth + 1);
    history->nodes[history->node_count] = (struct node){parent, end, depth};
    history->slots[slot] = (uint16_t)history->node_count;
    return (uint16_t)history->node_count++;
}

void array_history_add(struct array_history *history, uint32_t index, unsigned before,
                       const struct history_end *end)
{
    assert(index < history->size);
    uint16_t node = history->children[index];
    if (node != NODE_LOST && history->nodes[node].depth > before)
        node = NODE_LOST;
    while (node != NODE_LOST && history->nodes[node].depth < before)
        node = node_after(history, node, BYTE_UNTOLD);
    history->children[index] = node_after(history, node, kind_byte(history, end));
}

/* The bytes of a child, first to last; returns how many, or -1 when they are lost. */
static int bytes_of(const struct array_history *history, uint32_t index,
                    uint8_t ret_bytes[HISTORY_CHILD_MAX])
{
    uint16_t at = history != NULL ? history->children[index] : NODE_LOST;
    if (at == NODE_LOST)
        return -1;
    int count = history->nodes[at].depth;
    for (int i = count; i-- > 0; at = history->nodes[at].parent)
        ret_bytes[i] = history->nodes[at].end;
    return count;
}

size_t array_history_read(const struct array_history *history, uint32_t index,
                          struct history_end ret_ends[HISTORY_CHILD_MAX])
{
    uint8_t bytes[HISTORY_CHILD_MAX];
    int count = bytes_of(history, index, bytes);
    for (int i = 0; i < count; i++) {
        ret_ends[i] = (struct history_end){.told = bytes[i] != BYTE_UNTOLD};
        if (bytes[i] == BYTE_UNTOLD)
            continue;
        const struct kind *kind = &history->kinds[bytes[i] - 1];
        ret_ends[i].status_reason = kind->status_reason;
        ret_ends[i].reason = kind->reason;
        ret_ends[i].exit_code = kind->exit_code;
    }
    return count > 0 ? (size_t)count : 0;
}

/* ---- as text ---- */

/* How many failed attempts the record tells of. */
static int failed_attempts(struct child_record record)
{
    return record.outcome == CHILD_SUCCEEDED && record.attempts > 0 ? record.attempts - 1
           : record.outcome == CHILD_SUCCEEDED                      ? 0
                                                                    : record.attempts;
}

static bool has_ends(struct child_record record)
{
    return record.outcome == CHILD_FAILED || failed_attempts(record) > 0;
}

/* What the text has of a child that has ends; *ret_told: all of it is known. */
static size_t written_of(const struct array_history *history, uint32_t index,
                         struct child_record record, uint8_t ret_bytes[WRITTEN_MAX], bool *ret_told)
{
    int attempts = failed_attempts(record);
    uint8_t ends[HISTORY_CHILD_MAX];
    uint8_t *at = ret_bytes;
    int count = bytes_of(history, index, ends);
    bool stopped = record.outcome == CHILD_FAILED && (attempts == 0 || count == attempts + 1);
    *ret_told = count == attempts + stopped;
    if (!*ret_told)
        memset(ends, BYTE_UNTOLD, sizeof(ends));
    if (stopped) {
        *at++ = BYTE_STOPPED;
        *at++ = ends[attempts];
    }
    memcpy(at, ends, (size_t)attempts);
    *ret_told = *ret_told && memchr(ends, BYTE_UNTOLD, (size_t)attempts + stopped) == NULL;
    return (size_t)(at - ret_bytes + attempts);
}

struct packer {
    z_stream zlib;
    uint8_t *packed;
    uint8_t piece[PIECE_MAX];
    size_t piece_size, piece_max;
    bool closed; /* what comes now is left out */
};

static void packer_feed(struct packer *packer, const uint8_t *bytes, size_t size, int flush)
{
    packer->zlib.next_in = bytes;
    packer->zlib.avail_in = (uInt)size;
    int result = deflate(&packer->zlib, flush);
    assert(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
    assert(packer->zlib.avail_in == 0);
}

/* How large the next piece may be whatever is in it. */
static void packer_next(struct packer *packer)
{
    size_t left = packer->zlib.avail_out;
    packer->piece_size = 0;
    packer->piece_max = left > PIECE_COST ? left - PIECE_COST : 0;
    if (packer->piece_max > PIECE_MAX)
        packer->piece_max = PIECE_MAX;
    packer->closed = packer->piece_max < PIECE_MIN;
}

static void packer_open(struct packer *packer, const struct array_history *history,
                        uint32_t children, size_t size_max)
{
    size_t packed_max = size_max / 4 * 3 - 8;
    AUTO_STR head = STR_EMPTY;
    for (size_t i = 0; i < history->kind_count; i++) {
        const struct kind *kind = &history->kinds[i];
        if (kind->exit_code.set)
            str_addf(&head, "%" PRId64, kind->exit_code.value);
        else
            str_add(&head, "-");
        str_addf(&head, "\t%s\t%s\n", kind->reason != NULL ? kind->reason : "",
                 kind->status_reason != NULL ? kind->status_reason : "");
    }
    str_add(&head, "\n");
    packer->packed = mem_grow(NULL, packed_max, 1);
    packer->zlib.next_out = packer->packed;
    packer->zlib.avail_out = (uInt)packed_max;
    /* Clearing zlib's tables for much text costs more than packing the little that most have. */
    bool little = children <= 256;
    if (deflateInit2(&packer->zlib, ZLIB_LEVEL, Z_DEFLATED, little ? 12 : MAX_WBITS, little ? 5 : 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory */
    packer_feed(packer, (const uint8_t *)str_text(&head), head.size, Z_PARTIAL_FLUSH);
    packer_next(packer);
}

static void packer_add(struct packer *packer, const uint8_t *bytes, size_t size)
{
    memcpy(packer->piece + packer->piece_size, bytes, size);
    packer->piece_size += size;
    if (packer->piece_size + WRITTEN_MAX <= packer->piece_max)
        return;
    packer_feed(packer, packer->piece, packer->piece_size, Z_PARTIAL_FLUSH);
    packer_next(packer);
}

static char *packer_close(struct packer *packer)
{
    AUTO_STR text = STR_EMPTY;
    packer_feed(packer, packer->piece, packer->piece_size, Z_FINISH);
    base64_add(&text, packer->packed, packer->zlib.total_out);
    deflateEnd(&packer->zlib);
    free(packer->packed);
    return str_take(&text);
}

void array_history_pack(const struct array_history *history, const struct child_record *children,
                        uint32_t count, size_t size_max, char **ret_text, int64_t *ret_left_out)
{
    bool tells = history != NULL && history->kind_count > 0 && size_max >= HISTORY_TEXT_MIN;
    int64_t left_out = 0;
    struct packer *packer = mem_new(sizeof(*packer));
    if (tells)
        packer_open(packer, history, count, size_max);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[WRITTEN_MAX];
        bool told;
        if (!has_ends(children[i]))
            continue;
        size_t size = written_of(history, i, children[i], bytes, &told);
        left_out += !told || !tells || packer->closed;
        if (tells && !packer->closed)
            packer_add(packer, bytes, size);
    }
    *ret_text = tells ? packer_close(packer) : NULL;
    *ret_left_out = left_out;
    free(packer);
}

/* ---- and back ---- */

/* Heap bytes and a NUL after them, or NULL. */
static uint8_t *inflate_all(const uint8_t *packed, size_t packed_size, size_t *ret_size)
{
    z_stream zlib = {.next_in = packed, .avail_in = (uInt)packed_size};
    size_t capacity = 64 * 1024;
    uint8_t *bytes = mem_grow(NULL, capacity + 1, 1);
    int result = inflateInit(&zlib);
    while (result == Z_OK) {
        zlib.next_out = bytes + zlib.total_out;
        zlib.avail_out = (uInt)(capacity - zlib.total_out);
        result = inflate(&zlib, Z_NO_FLUSH);
        if (result != Z_OK || zlib.avail_out > 0 || capacity >= STREAM_MAX)
            break; /* at its end, damaged, cut off, or too much */
        capacity *= 2;
        bytes = mem_grow(bytes, capacity + 1, 1);
    }
    *ret_size = zlib.total_out;
    inflateEnd(&zlib);
    bytes[*ret_size] = '\0';
    if (result == Z_STREAM_END)
        return bytes;
    free(bytes);
    return NULL;
}

static bool read_kind(struct array_history *history, char *line)
{
    char *reason = strchr(line, '\t');
    char *status_reason = reason != NULL ? strchr(reason + 1, '\t') : NULL;
    if (status_reason == NULL)
        return false;
    *reason++ = *status_reason++ = '\0';
    struct history_end end = {.told = true, .status_reason = status_reason, .reason = reason};
    char *rest = line;
    if (strcmp(line, "-") != 0) {
        end.exit_code = OPT_I64(strtoll(line, &rest, 10));
        if (rest == line || *rest != '\0')
            return false;
    }
    size_t had = history->kind_count;
    return kind_byte(history, &end) == had + 1; /* each once, and no more than there may be */
}

/* The lines before the empty one; returns what is behind it, or NULL. */
static const uint8_t *read_head(struct array_history *history, uint8_t *bytes)
{
    char *line = (char *)bytes;
    while (*line != '\n') {
        char *end = strchr(line, '\n');
        if (end == NULL)
            return NULL;
        *end = '\0';
        if (!read_kind(history, line))
            return NULL;
        line = end + 1;
    }
    return (const uint8_t *)line + 1;
}

/* Of what it does not tell: as many ends as there were attempts; one that failed has no more to
 * come. */
static void leave_out(struct array_history *history, uint32_t index, struct child_record record)
{
    uint16_t node = record.outcome == CHILD_FAILED ? NODE_LOST : NODE_NONE;
    for (int i = 0; i < failed_attempts(record); i++)
        node = node_after(history, node, BYTE_UNTOLD);
    history->children[index] = node;
}

/* The bytes of one child from *cursor on. 0: they end before; -1: they make no sense. */
static int read_child(struct array_history *history, uint32_t index, struct child_record record,
                      const uint8_t **cursor, const uint8_t *end)
{
    const uint8_t *bytes = *cursor;
    bool stopped = record.outcome == CHILD_FAILED && bytes < end && *bytes == BYTE_STOPPED;
    size_t attempts = (size_t)failed_attempts(record);
    size_t size = attempts + (stopped ? 2 : 0);
    uint16_t node = NODE_NONE;
    if ((size_t)(end - bytes) < size || bytes == end)
        return 0;
    if (size == 0)
        return -1; /* it failed, and not for an attempt */
    *cursor = bytes + size;
    for (size_t i = stopped ? 2 : 0; i <= size; i++) {
        uint8_t byte = i < size ? bytes[i] : bytes[1]; /* what stopped it comes last */
        if (i == size && !stopped)
            break;
        if (byte != BYTE_UNTOLD && (byte == 0 || byte > history->kind_count))
            return -1;
        node = node_after(history, node, byte);
    }
    history->children[index] = node;
    return 1;
}

static bool read_stream(struct array_history *history, const struct child_record *children,
                        const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    bool over = false;
    for (uint32_t i = 0; i < history->size; i++) {
        if (!has_ends(children[i]))
            continue;
        int result = over ? 0 : read_child(history, i, children[i], &bytes, end);
        if (result < 0)
            return false;
        over = result == 0;
        if (over)
            leave_out(history, i, children[i]);
    }
    return bytes == end;
}

static bool read_text(struct array_history *history, const char *text,
                      const struct child_record *children)
{
    size_t packed_size = 0, size = 0;
    uint8_t *packed = base64_bytes(text, HISTORY_TEXT_MAX, &packed_size);
    uint8_t *bytes = packed != NULL ? inflate_all(packed, packed_size, &size) : NULL;
    const uint8_t *stream = bytes != NULL ? read_head(history, bytes) : NULL;
    bool good =
        stream != NULL && read_stream(history, children, stream, size - (size_t)(stream - bytes));
    free(packed);
    free(bytes);
    return good;
}

int array_history_unpack(const char *text, const struct child_record *children, uint32_t count,
                         struct array_history **ret_history, struct err *err)
{
    bool any = false;
    for (uint32_t i = 0; i < count && !any; i++)
        any = has_ends(children[i]);
    *ret_history = any ? array_history_new(count) : NULL;
    if (!any || (text != NULL && read_text(*ret_history, text, children)))
        return 0;
    array_history_free(*ret_history);
    *ret_history = array_history_new(count);
    for (uint32_t i = 0; i < count; i++) {
        if (has_ends(children[i]))
            leave_out(*ret_history, i, children[i]);
    }
    return text == NULL ? 0 : err_set(err, ERR_INVALID, "history: damaged, or of other children");
}
