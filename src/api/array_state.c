/* SPDX-License-Identifier: Apache-2.0 */
/* Packing the state of an array.
 *
 * Runs are the shortest for what arrays usually look like: a finished front, a waiting back, some
 * failures between. When children end in no order, runs take several bytes a child; then every
 * child becomes a digit in base N, N being the number of distinct symbols there are, as many
 * digits as fit make a 64-bit word, and zlib finds what regularity is left. The worst case is
 * noise over all 33 symbols: 12 digits a word, 5.33 bits a child, 889 KB in base64 for a million.
 *
 * Refusals are kept beside it. They are rare; but they are part of pod names, so they may be
 * rounded up and must never be lost. */
#include "bulkhead/api/array_state.h"

#include "bulkhead/api/job.h"
#include "bulkhead/api/packing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    SYMBOLS_MAX = 3 * (JOB_ATTEMPTS_MAX + 1),
    RUNS_SHORT = 1024,             /* below this nobody tries to be smarter */
    TEXT_BYTES_MAX = 1024 * 1024,  /* what an object may hold */
    REFUSALS_TEXT_MAX = 16 * 1024, /* more is compressed */
    ZLIB_LEVEL = 3,
};
static const char letters[] = "wsf";
#define REFUSALS_MARK "z64:"

static unsigned symbol_of(struct child_record child)
{
    assert(child.outcome <= CHILD_FAILED);
    assert(child.attempts <= JOB_ATTEMPTS_MAX);
    return (unsigned)child.outcome * (JOB_ATTEMPTS_MAX + 1) + child.attempts;
}

static struct child_record child_of(unsigned symbol)
{
    return (struct child_record){(uint8_t)(symbol / (JOB_ATTEMPTS_MAX + 1)),
                                 (uint8_t)(symbol % (JOB_ATTEMPTS_MAX + 1))};
}

/* ---- zlib ---- */

static void add_deflated(struct str *out, const uint8_t *bytes, size_t size)
{
    uLongf packed_size = compressBound((uLong)size);
    uint8_t *packed = mem_new(packed_size);
    if (compress2(packed, &packed_size, bytes, (uLong)size, ZLIB_LEVEL) != Z_OK)
        abort(); /* out of memory: compressBound is enough */
    base64_add(out, packed, packed_size);
    free(packed);
}

/* Exactly size bytes, or false. */
static bool inflate_exactly(const char *text, uint8_t *ret_bytes, size_t size)
{
    size_t packed_size = 0;
    uint8_t *packed = base64_bytes(text, TEXT_BYTES_MAX, &packed_size);
    if (packed == NULL)
        return false;
    uLongf got = (uLongf)size;
    uLong used = (uLong)packed_size;
    int result = uncompress2(ret_bytes, &got, packed, &used);
    free(packed);
    return result == Z_OK && got == size && used == packed_size;
}

/* ---- runs ---- */

static void add_symbol(struct str *out, unsigned symbol)
{
    struct child_record child = child_of(symbol);
    str_addf(out, "%c%u", letters[child.outcome], child.attempts);
}

static uint32_t run_end(const struct child_record *children, uint32_t count, uint32_t first)
{
    uint32_t end = first + 1;
    unsigned symbol = symbol_of(children[first]);
    while (end < count && symbol_of(children[end]) == symbol)
        end++;
    return end;
}

static size_t digits_of(uint32_t number)
{
    size_t digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

/* Of the text, or more than size_max: printing a hundred thousand runs to find that they are too
 * long would take longer than all the rest. */
static size_t runs_size(const struct child_record *children, uint32_t count, size_t size_max)
{
    size_t size = 0;
    for (uint32_t i = 0, end; i < count && size <= size_max; i = end) {
        end = run_end(children, count, i);
        size += 1U + (i > 0) + digits_of(children[i].attempts);
        size += end - i > 1 ? 1 + digits_of(end - i) : 0;
    }
    return size;
}

static void runs_pack(const struct child_record *children, uint32_t count, struct str *out)
{
    for (uint32_t i = 0, end; i < count; i = end) {
        end = run_end(children, count, i);
        if (i > 0)
            str_add_bytes(out, ",", 1);
        add_symbol(out, symbol_of(children[i]));
        if (end - i > 1)
            str_addf(out, "*%u", end - i);
    }
}

/* Digits up to max, no sign, no leading zero; moves the cursor. */
static bool read_number(const char **cursor, uint32_t max, uint32_t *ret_number)
{
    uint64_t number = 0;
    const char *c = *cursor;
    if (*c < '0' || *c > '9' || (*c == '0' && c[1] >= '0' && c[1] <= '9'))
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        number = number * 10 + (unsigned)(*c - '0');
        if (number > max)
            return false;
    }
    *cursor = c;
    *ret_number = (uint32_t)number;
    return true;
}

static bool read_symbol(const char **cursor, unsigned *ret_symbol)
{
    const char *letter = **cursor != '\0' ? strchr(letters, **cursor) : NULL;
    uint32_t attempts = 0;
    if (letter == NULL)
        return false;
    ++*cursor;
    if (!read_number(cursor, JOB_ATTEMPTS_MAX, &attempts))
        return false;
    *ret_symbol = (unsigned)(letter - letters) * (JOB_ATTEMPTS_MAX + 1) + attempts;
    return true;
}

static bool runs_unpack(const char *text, struct child_record *ret_children, uint32_t count)
{
    uint32_t done = 0;
    const char *cursor = text;
    while (done < count) {
        unsigned symbol = 0;
        uint32_t length = 1;
        if (done > 0 && *cursor++ != ',')
            return false;
        if (!read_symbol(&cursor, &symbol))
            return false;
        if (*cursor == '*') {
            cursor++;
            if (!read_number(&cursor, count - done, &length) || length == 0)
                return false;
        }
        for (uint32_t i = 0; i < length; i++)
            ret_children[done++] = child_of(symbol);
    }
    return *cursor == '\0';
}

/* ---- zn64 ---- */

struct alphabet {
    unsigned symbols[SYMBOLS_MAX]; /* digit to symbol */
    uint8_t digits[SYMBOLS_MAX];   /* symbol to digit */
    unsigned count;
    unsigned per_word; /* digits in 64 bits */
};

static void alphabet_add(struct alphabet *alphabet, unsigned symbol)
{
    alphabet->digits[symbol] = (uint8_t)alphabet->count;
    alphabet->symbols[alphabet->count++] = symbol;
}

static void alphabet_complete(struct alphabet *alphabet)
{
    uint64_t power = 1;
    unsigned base = alphabet->count > 1 ? alphabet->count : 2;
    while (power <= UINT64_MAX / base) {
        power *= base;
        alphabet->per_word++;
    }
}

static size_t words_size(const struct alphabet *alphabet, uint32_t count)
{
    return ((size_t)count + alphabet->per_word - 1) / alphabet->per_word * 8;
}

static void zn64_pack(const struct child_record *children, uint32_t count, struct str *out)
{
    struct alphabet alphabet = {0};
    bool seen[SYMBOLS_MAX] = {false};
    for (uint32_t i = 0; i < count; i++)
        seen[symbol_of(children[i])] = true;
    for (unsigned symbol = 0; symbol < SYMBOLS_MAX; symbol++) {
        if (!seen[symbol])
            continue;
        if (alphabet.count > 0)
            str_add_bytes(out, ",", 1);
        add_symbol(out, symbol);
        alphabet_add(&alphabet, symbol);
    }
    str_add_bytes(out, ":", 1);
    alphabet_complete(&alphabet);

    size_t size = words_size(&alphabet, count);
    uint8_t *bytes = mem_new(size);
    uint8_t *to = bytes;
    for (uint32_t i = 0; i < count; i += alphabet.per_word) {
        uint64_t word = 0;
        for (unsigned j = alphabet.per_word; j-- > 0;) /* the first child is the lowest digit */
            word = word * alphabet.count +
                   (i + j < count ? alphabet.digits[symbol_of(children[i + j])] : 0);
        for (unsigned byte = 0; byte < 8; byte++)
            *to++ = (uint8_t)(word >> (8 * byte));
    }
    add_deflated(out, bytes, size);
    free(bytes);
}

static bool read_alphabet(const char **cursor, struct alphabet *ret)
{
    bool seen[SYMBOLS_MAX] = {false};
    for (;;) {
        unsigned symbol = 0;
        if (!read_symbol(cursor, &symbol) || seen[symbol])
            return false;
        seen[symbol] = true;
        alphabet_add(ret, symbol);
        if (**cursor == ':')
            break;
        if (*(*cursor)++ != ',')
            return false;
    }
    ++*cursor;
    alphabet_complete(ret);
    return true;
}

static bool zn64_unpack(const char *text, struct child_record *ret_children, uint32_t count)
{
    struct alphabet alphabet = {0};
    const char *cursor = text;
    if (!read_alphabet(&cursor, &alphabet))
        return false;
    size_t size = words_size(&alphabet, count);
    uint8_t *bytes = mem_new(size);
    bool good = inflate_exactly(cursor, bytes, size);
    const uint8_t *from = bytes;
    for (uint32_t i = 0; good && i < count; i += alphabet.per_word) {
        uint64_t word = 0;
        for (unsigned byte = 0; byte < 8; byte++)
            word |= (uint64_t)*from++ << (8 * byte);
        for (unsigned j = 0; j < alphabet.per_word && i + j < count; j++) {
            ret_children[i + j] = child_of(alphabet.symbols[word % alphabet.count]);
            word /= alphabet.count;
        }
        good = word == 0;
    }
    free(bytes);
    return good;
}

/* ---- both ---- */

void array_state_pack(const struct child_record *children, uint32_t count, char **ret_encoding,
                      char **ret_data)
{
    AUTO_STR text = STR_EMPTY;
    bool runs = runs_size(children, count, RUNS_SHORT) <= RUNS_SHORT;
    if (!runs) {
        zn64_pack(children, count, &text);
        runs = runs_size(children, count, text.size) <= text.size;
    }
    if (runs) {
        str_clear(&text);
        runs_pack(children, count, &text);
    }
    *ret_encoding = text_copy(runs ? "runs" : "zn64");
    *ret_data = text_copy(str_text(&text));
}

int array_state_unpack(const char *encoding, const char *data, struct child_record *ret_children,
                       uint32_t count, struct err *err)
{
    bool good = false;
    if (count > JOB_ARRAY_SIZE_MAX)
        return err_set(err, ERR_INVALID, "array state: %u children", count);
    if (text_eq(encoding, "runs"))
        good = runs_unpack(data != NULL ? data : "", ret_children, count);
    else if (text_eq(encoding, "zn64"))
        good = zn64_unpack(data != NULL ? data : "", ret_children, count);
    else
        return err_set(err, ERR_INVALID, "array state: encoding %.16s is not known",
                       encoding != NULL ? encoding : "(none)");
    if (!good)
        return err_set(err, ERR_INVALID, "array state: damaged, or not of %u children", count);
    return 0;
}

/* ---- refusals ---- */

static bool refusals_text(const uint8_t *refusals, uint32_t count, size_t size_max, struct str *out)
{
    size_t limit = size_max < REFUSALS_TEXT_MAX ? size_max : REFUSALS_TEXT_MAX;
    for (uint32_t i = 0; i < count;) {
        uint32_t end = i + 1;
        while (end < count && refusals[end] == refusals[i])
            end++;
        if (refusals[i] != 0) {
            str_addf(out, "%s%u", out->size > 0 ? "," : "", i);
            if (end - i > 1)
                str_addf(out, "-%u", end - 1);
            str_addf(out, ":%u", refusals[i]);
        }
        if (out->size > limit)
            return false;
        i = end;
    }
    return true;
}

/* Rounded up to a multiple of step, and to the most of its block of neighbours. */
static void round_up(const uint8_t *refusals, uint32_t count, unsigned step, uint32_t block,
                     uint8_t *ret_rounded)
{
    for (uint32_t i = 0; i < count; i += block) {
        uint32_t size = count - i < block ? count - i : block;
        unsigned most = 0;
        for (uint32_t j = 0; j < size; j++)
            most = refusals[i + j] > most ? refusals[i + j] : most;
        most = (most + step - 1) / step * step;
        if (most > UINT8_MAX)
            most = UINT8_MAX;
        memset(ret_rounded + i, (int)most, size);
    }
}

void refusals_pack(const uint8_t *refusals, uint32_t count, size_t size_max, char **ret_text)
{
    static const struct {
        unsigned step;
        uint32_t block;
    } steps[] = {{1, 1}, {8, 1}, {32, 1}, {32, 8}, {128, 64}, {128, UINT32_MAX}};
    AUTO_STR out = STR_EMPTY;
    if (refusals_text(refusals, count, size_max, &out)) {
        *ret_text = text_copy(str_text(&out));
        return;
    }
    uint8_t *rounded = mem_new(count);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        round_up(refusals, count, steps[i].step, steps[i].block, rounded);
        str_clear(&out);
        str_add(&out, REFUSALS_MARK);
        add_deflated(&out, rounded, count);
        if (out.size <= size_max)
            break;
    }
    free(rounded);
    *ret_text = str_take(&out);
}

static bool refusals_read(const char *text, uint8_t *ret_refusals, uint32_t count)
{
    const char *cursor = text;
    uint32_t next = 0; /* ascending, and no child twice */
    while (*cursor != '\0') {
        uint32_t first = 0, last = 0, number = 0;
        if (cursor != text && *cursor++ != ',')
            return false;
        if (!read_number(&cursor, count - 1, &first) || first < next)
            return false;
        last = first;
        if (*cursor == '-' && (cursor++, !read_number(&cursor, count - 1, &last) || last <= first))
            return false;
        if (*cursor++ != ':' || !read_number(&cursor, UINT8_MAX, &number) || number == 0)
            return false;
        memset(ret_refusals + first, (int)number, last - first + 1);
        next = last + 1;
    }
    return true;
}

int refusals_unpack(const char *text, uint8_t *ret_refusals, uint32_t count, struct err *err)
{
    memset(ret_refusals, 0, count);
    if (text == NULL || text[0] == '\0')
        return 0;
    bool good = false;
    if (count > 0 && count <= JOB_ARRAY_SIZE_MAX)
        good = text_starts(text, REFUSALS_MARK)
                   ? inflate_exactly(text + strlen(REFUSALS_MARK), ret_refusals, count)
                   : refusals_read(text, ret_refusals, count);
    if (!good)
        return err_set(err, ERR_INVALID, "refusals: damaged, or not of %u children", count);
    return 0;
}
