/* SPDX-License-Identifier: Apache-2.0 */
/* macros.h - the few macros, and the one comparison, that every file may use
 *
 * AUTO(T)   a pointer that frees itself at the end of its scope. The type's header says
 *           DEFINE_AUTO(T, T_free) beside its _free function, which must accept NULL.
 * STEAL(p)  takes the pointer out of its variable, so that AUTO no longer frees it.
 * No macro here hides a return. */
#ifndef BULKHEAD_BASE_MACROS_H
#define BULKHEAD_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#define DEFINE_AUTO(T, fn)                                                                         \
    static inline void T##_auto(struct T **p)                                                      \
    {                                                                                              \
        fn(*p);                                                                                    \
    }
#define AUTO(T) __attribute__((cleanup(T##_auto))) struct T *
#define STEAL(p)                                                                                   \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define UNUSED(x) ((void)(x))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* For functions that abort rather than return NULL: analyzers then ask for no check. */
#define NEVER_NULL __attribute__((returns_nonnull))

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

static inline int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
