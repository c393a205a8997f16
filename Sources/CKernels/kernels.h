// The inner loops of Numerics over blocks of eight rows, as vector extensions of clang: Swift's SIMD types have no lane
// shuffles, and sums across lanes written without them cost more than the products (2.2 instead of 1.5 CPU-s in an ALS
// fit of 1 M ratings). Every row and vector holds `stride` floats, a multiple of eight, and rows come in multiples of
// eight: there are no remainders. The order of the sums is fixed; callers check every size before they call.
#pragma once

#include <stdint.h>

typedef float ferry_lanes __attribute__((ext_vector_type(8)));
typedef float ferry_unaligned_lanes __attribute__((ext_vector_type(8), aligned(4)));

static inline __attribute__((always_inline)) ferry_lanes ferry_load(const float *pointer) {
    return *(const ferry_unaligned_lanes *)pointer;
}

static inline __attribute__((always_inline)) void ferry_store(float *pointer, ferry_lanes lanes) {
    *(ferry_unaligned_lanes *)pointer = lanes;
}

// A fused multiply-add where the processor has one, else a product and a sum.
static inline __attribute__((always_inline)) ferry_lanes ferry_add_product(ferry_lanes sum, ferry_lanes a, ferry_lanes b) {
#pragma clang fp contract(fast)
    return sum + a * b;
}

#define FERRY_EVEN(a, b) __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14)
#define FERRY_ODD(a, b) __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15)

// Lane i is the sum of the lanes of the i-th vector.
static inline __attribute__((always_inline)) ferry_lanes ferry_sums(const ferry_lanes s[8]) {
    const ferry_lanes ab = FERRY_EVEN(s[0], s[1]) + FERRY_ODD(s[0], s[1]);
    const ferry_lanes cd = FERRY_EVEN(s[2], s[3]) + FERRY_ODD(s[2], s[3]);
    const ferry_lanes ef = FERRY_EVEN(s[4], s[5]) + FERRY_ODD(s[4], s[5]);
    const ferry_lanes gh = FERRY_EVEN(s[6], s[7]) + FERRY_ODD(s[6], s[7]);
    const ferry_lanes abcd = FERRY_EVEN(ab, cd) + FERRY_ODD(ab, cd);
    const ferry_lanes efgh = FERRY_EVEN(ef, gh) + FERRY_ODD(ef, gh);
    return __builtin_shufflevector(abcd, efgh, 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(abcd, efgh, 4, 5, 6, 7, 12, 13, 14, 15);
}

// The dot products of eight rows with a vector.
static inline __attribute__((always_inline)) ferry_lanes ferry_dots(const float *rows, long stride, const float *vector) {
    ferry_lanes s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (long index = 0; index < stride; index += 8) {
        const ferry_lanes x = ferry_load(vector + index);
#pragma clang loop unroll(full)
        for (int row = 0; row < 8; row++) s[row] = ferry_add_product(s[row], ferry_load(rows + row * stride + index), x);
    }
    return ferry_sums(s);
}

#define FERRY_SPLAT(a, i) __builtin_shufflevector(a, a, i, i, i, i, i, i, i, i)

// target += Σ scale · row over eight rows.
static inline __attribute__((always_inline)) void ferry_add_block(const float *rows, long stride, ferry_lanes scales,
                                                                 float *target) {
    const ferry_lanes c0 = FERRY_SPLAT(scales, 0), c1 = FERRY_SPLAT(scales, 1), c2 = FERRY_SPLAT(scales, 2),
                      c3 = FERRY_SPLAT(scales, 3), c4 = FERRY_SPLAT(scales, 4), c5 = FERRY_SPLAT(scales, 5),
                      c6 = FERRY_SPLAT(scales, 6), c7 = FERRY_SPLAT(scales, 7);
    const float *upper = rows + 4 * stride;
    for (long index = 0; index < stride; index += 8) {
        // Two chains: one of eight dependent additions would wait for each other.
        ferry_lanes sum = ferry_load(target + index), other = ferry_load(upper + index) * c4;
        sum = ferry_add_product(sum, ferry_load(rows + index), c0);
        other = ferry_add_product(other, ferry_load(upper + stride + index), c5);
        sum = ferry_add_product(sum, ferry_load(rows + stride + index), c1);
        other = ferry_add_product(other, ferry_load(upper + 2 * stride + index), c6);
        sum = ferry_add_product(sum, ferry_load(rows + 2 * stride + index), c2);
        other = ferry_add_product(other, ferry_load(upper + 3 * stride + index), c7);
        sum = ferry_add_product(sum, ferry_load(rows + 3 * stride + index), c3);
        ferry_store(target + index, sum + other);
    }
}

// target += Σ scale · row.
static inline void ferry_add_rows(const float *rows, long row_count, long stride, const float *scales, float *target) {
    for (long row = 0; row < row_count; row += 8)
        ferry_add_block(rows + row * stride, stride, ferry_load(scales + row), target);
}

// target += Σ (offset + slope · rowᵀvector) · row.
static inline void ferry_add_fitted_rows(const float *rows, long row_count, long stride, const float *offsets,
                                         const float *slopes, const float *vector, float *target) {
    for (long row = 0; row < row_count; row += 8) {
        const float *block = rows + row * stride;
        const ferry_lanes fit = ferry_dots(block, stride, vector);
        ferry_add_block(block, stride, ferry_add_product(ferry_load(offsets + row), ferry_load(slopes + row), fit),
                        target);
    }
}

// The dot product of two vectors.
static inline float ferry_dot(const float *left, const float *right, long stride) {
    ferry_lanes s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (long index = 0; index < stride; index += 8)
        s[0] = ferry_add_product(s[0], ferry_load(left + index), ferry_load(right + index));
    return ferry_sums(s)[0];
}

// The dot product of `count` floats: four vectors of partial sums, then what is left over one by one.
static inline float ferry_dot_of(const float *left, const float *right, long count) {
    ferry_lanes s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    long index = 0;
    for (; index + 32 <= count; index += 32)
#pragma clang loop unroll(full)
        for (int part = 0; part < 4; part++)
            s[part] = ferry_add_product(s[part], ferry_load(left + index + 8 * part), ferry_load(right + index + 8 * part));
    for (; index + 8 <= count; index += 8) s[0] = ferry_add_product(s[0], ferry_load(left + index), ferry_load(right + index));
    const ferry_lanes sums = ferry_sums(s);
    float total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; index < count; index++) total += left[index] * right[index];
    return total;
}

// Copies rows of `count` floats, padded with zeros to `stride`; the next rows are on their way meanwhile.
static inline void ferry_gather_rows(const float *source, const unsigned *rows, long row_count, long count, long stride,
                                     float *target) {
    for (long row = 0; row < row_count; row++) {
        if (row + 4 < row_count) {
            const float *next = source + (long)rows[row + 4] * count;
            for (long index = 0; index < count; index += 16) __builtin_prefetch(next + index);
        }
        const float *from = source + (long)rows[row] * count;
        float *to = target + row * stride;
        long index = 0;
        for (; index + 8 <= count; index += 8) ferry_store(to + index, ferry_load(from + index));
        for (; index < count; index++) to[index] = from[index];
        for (; index < stride; index++) to[index] = 0;
    }
}

// Asks for what is read a page later: the processor itself looks ahead within one page alone. A third of the time of a
// pass over memory that is in no cache.
static inline __attribute__((always_inline)) void ferry_prefetch(const void *pointer) {
    __builtin_prefetch((const char *)pointer + 4096);
}

typedef uint32_t ferry_bits __attribute__((ext_vector_type(8)));
typedef uint32_t ferry_unaligned_bits __attribute__((ext_vector_type(8), aligned(4), may_alias));

// Whether every element has a magnitude of at most the bound, which is not negative; NaN has not. Without their sign the
// bits of floats are in the order of their magnitudes, infinity and NaN behind all others.
static inline int ferry_is_within(const float *values, long count, float bound) {
    long index = 0;
    ferry_bits largest[4] = {0, 0, 0, 0};
    for (; index + 32 <= count; index += 32) {
        ferry_prefetch(values + index);
        ferry_prefetch(values + index + 16);
        const ferry_unaligned_bits *bits = (const ferry_unaligned_bits *)(values + index);
#pragma clang loop unroll(full)
        for (int part = 0; part < 4; part++)
            largest[part] = __builtin_elementwise_max(largest[part], (ferry_bits)(bits[part] & 0x7FFFFFFF));
    }
    const ferry_bits both = __builtin_elementwise_max(__builtin_elementwise_max(largest[0], largest[1]),
                                                      __builtin_elementwise_max(largest[2], largest[3]));
    const uint32_t limit = __builtin_bit_cast(uint32_t, bound);
    int out = 0;
    for (int lane = 0; lane < 8; lane++) out |= both[lane] > limit;
    for (; index < count; index++) out |= !(values[index] <= bound && values[index] >= -bound);
    return out == 0;
}

typedef double ferry_doubles __attribute__((ext_vector_type(4)));
typedef long long ferry_integers __attribute__((ext_vector_type(4)));
typedef long long ferry_unaligned_integers __attribute__((ext_vector_type(4), aligned(8)));
typedef float ferry_four __attribute__((ext_vector_type(4), aligned(4)));

// The product's nearest integer, ties to even, for |value * scale| < 2^62. AVX2 converts no double to a 64-bit integer:
// the value is split at 2^31, and each half rounded by adding 1.5 * 2^52, whose bits are then taken off.
static inline __attribute__((always_inline)) ferry_integers ferry_fixed_point(const float *values, double scale) {
    const ferry_doubles magic = 0x1.8p52;
    const ferry_integers bits = (ferry_integers)magic;
    const ferry_doubles y = __builtin_convertvector(*(const ferry_four *)values, ferry_doubles) * scale;
    const ferry_doubles high = y * 0x1p-31 + magic;
    const ferry_doubles low = (y - (high - magic) * 0x1p31) + magic;
    return (((ferry_integers)high - bits) << 31) + ((ferry_integers)low - bits);
}

// What the processors that have them do eight numbers at a time, in half the time: conversion of a double to a 64-bit
// integer, to the nearest one as above. Returns how many sums are done.
#if defined(__x86_64__)
typedef double ferry_wide_doubles __attribute__((ext_vector_type(8)));
typedef long long ferry_wide_integers __attribute__((ext_vector_type(8)));
typedef long long ferry_unaligned_wide_integers __attribute__((ext_vector_type(8), aligned(8)));
typedef float ferry_eight __attribute__((ext_vector_type(8), aligned(4)));

__attribute__((target("avx512f,avx512dq"))) static inline long ferry_add_fixed_point_wide(
    const float *const *sources, long source_count, long count, double scale, long long mask, int64_t *sums) {
    long index = 0;
    for (; index + 8 <= count; index += 8) {
        ferry_unaligned_wide_integers *target = (ferry_unaligned_wide_integers *)(sums + index);
        ferry_wide_integers sum = *target & mask;
        for (long source = 0; source < source_count; source++) {
            const ferry_wide_doubles y =
                __builtin_convertvector(*(const ferry_eight *)(sources[source] + index), ferry_wide_doubles) * scale;
            sum += (ferry_wide_integers)__builtin_ia32_cvtpd2qq512_mask(y, (ferry_wide_integers)(0), -1, 4);
        }
        *target = sum;
    }
    return index;
}

static inline int ferry_has_wide_conversion(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}
#else
static inline long ferry_add_fixed_point_wide(const float *const *sources, long source_count, long count, double scale,
                                              long long mask, int64_t *sums) {
    return 0;
}

static inline int ferry_has_wide_conversion(void) { return 0; }
#endif

// sums = (sums & mask) + the fixed-point values of `source_count` vectors. The sums are the longest of the operands by far:
// to go through them once for several vectors is what makes it quick.
static inline void ferry_add_fixed_point(const float *const *sources, long source_count, long count, double scale,
                                         long long mask, int64_t *sums, int is_wide) {
    long index = is_wide ? ferry_add_fixed_point_wide(sources, source_count, count, scale, mask, sums) : 0;
    for (; index + 4 <= count; index += 4) {
        ferry_unaligned_integers *target = (ferry_unaligned_integers *)(sums + index);
        ferry_integers sum = *target & mask;
        for (long source = 0; source < source_count; source++) sum += ferry_fixed_point(sources[source] + index, scale);
        *target = sum;
    }
    for (; index < count; index++) {
        int64_t sum = sums[index] & mask;
        for (long source = 0; source < source_count; source++)
            sum += (int64_t)__builtin_rint((double)sources[source][index] * scale);
        sums[index] = sum;
    }
}

typedef uint64_t ferry_words __attribute__((ext_vector_type(4)));
typedef uint64_t ferry_unaligned_words __attribute__((ext_vector_type(4), aligned(1), may_alias));

// A 64-bit checksum after the accumulation of XXH3 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md): each word, mixed
// with a key of its position, adds the product of its halves to its lane. Where one half is the key's own, once in 2^32,
// the other does not count.
typedef struct {
    uint64_t sums[16];
    uint64_t keys[4];
    uint64_t count;
} ferry_checksum;

#define FERRY_KEY_STEP ((ferry_words){0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5})

static inline void ferry_checksum_start(ferry_checksum *state, uint64_t seed) {
    const ferry_words keys = {0xBE4BA423396CFEB8, 0x1CAD21F72C81017C, 0xDB979083E96DD4DE, 0x1F67B3B7A4A44072};
    ferry_unaligned_words *sums = (ferry_unaligned_words *)state->sums;
    *(ferry_unaligned_words *)state->keys = keys;
    sums[0] = keys ^ seed;
    sums[1] = FERRY_KEY_STEP + seed;
    sums[2] = keys + FERRY_KEY_STEP;
    sums[3] = keys ^ FERRY_KEY_STEP;
    state->count = 0;
}

// Takes whole stripes of 128 bytes; all but the last call take multiples of 1,024 bytes.
static inline void ferry_checksum_add(ferry_checksum *state, const uint8_t *bytes, long count) {
    ferry_unaligned_words *stored = (ferry_unaligned_words *)state->sums;
    ferry_words keys = *(ferry_unaligned_words *)state->keys;
    ferry_words sums[4] = {stored[0], stored[1], stored[2], stored[3]};
    for (long index = 0; index < count; index += 128) {
        ferry_prefetch(bytes + index);
        ferry_prefetch(bytes + index + 64);
#pragma clang loop unroll(full)
        for (int part = 0; part < 4; part++) {
            const ferry_words mixed = *(const ferry_unaligned_words *)(bytes + index + 32 * part) ^ keys;
            sums[part] += (mixed & 0xFFFFFFFF) * (mixed >> 32);
        }
        keys += FERRY_KEY_STEP;
        if ((index & 1023) == 896) {
#pragma clang loop unroll(full)
            for (int part = 0; part < 4; part++) {
                sums[part] = (sums[part] ^ (sums[part] >> 47) ^ keys) * 0x9E3779B1;
            }
        }
    }
    *(ferry_unaligned_words *)state->keys = keys;
    for (int part = 0; part < 4; part++) stored[part] = sums[part];
    state->count += (uint64_t)count;
}

// Takes the last bytes, any number.
static inline uint64_t ferry_checksum_end(ferry_checksum *state, const uint8_t *bytes, long count) {
    const long whole = count & ~127L;
    ferry_checksum_add(state, bytes, whole);
    uint64_t out = (state->count + (uint64_t)(count - whole)) * 0x9FB21C651E98DF25;
    for (long index = whole; index < count; index++) {
        out = ((out << 29 | out >> 35) ^ (uint64_t)(bytes[index] + 1)) * 0x9FB21C651E98DF25;
    }
    for (int lane = 0; lane < 16; lane++) {
        out = ((out << 29 | out >> 35) ^ state->sums[lane]) * 0xD6E8FEB86659FD93;
        out ^= out >> 32;
    }
    return out;
}
