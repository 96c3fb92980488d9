// Sixteen floats at a time, by the compiler's own vector types: any CPU that gcc or clang knows.
//
// The type of the weights is chosen when this is compiled: bfloat16 with -DBFLOAT16, else float. LANES outputs of a
// weight matrix, or keys of a block, lie side by side; `pair` is what one of them takes of the dimension that is summed
// up: two bfloat16 values, or one float.
#pragma once

#include <stdint.h>
#include <string.h>

#define LANES 16
#define ALWAYS static inline __attribute__((always_inline))

typedef float floats __attribute__((vector_size(64), aligned(4)));
typedef int32_t ints __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words __attribute__((vector_size(64), aligned(4)));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));

#ifdef BFLOAT16
typedef uint16_t real;
typedef uint32_t pair;
typedef words pairs;
#define PER_PAIR 2
#else
typedef float real;
typedef float pair;
typedef floats pairs;
#define PER_PAIR 1
#endif

static inline floats load(const float *from) { return *(const floats *)from; }
static inline void store(float *to, floats values) { *(floats *)to = values; }
static inline floats splat(float value) { return value - (floats){0}; }

// The first where the mask is set (all bits), else the second.
static inline floats choose(ints mask, floats yes, floats no) {
    return (floats)(((ints)yes & mask) | ((ints)no & ~mask));
}

// Halves laid on each other until one is left: a fixed order, so that the same numbers have the same sum everywhere.
#define FOLDED(v, OP)                                                                                                  \
    v = OP(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));                    \
    v = OP(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));                    \
    v = OP(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));                    \
    v = OP(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));

static inline floats added(floats a, floats b) { return a + b; }
static inline floats larger(floats a, floats b) { return choose(a > b, a, b); }

static inline float sum(floats v) {
    FOLDED(v, added)
    return v[0];
}

static inline float largest(floats v) {
    FOLDED(v, larger)
    return v[0];
}

#ifdef BFLOAT16
static inline floats widen(const real *from) {
    words wide = __builtin_convertvector(*(const halves *)from, words) << 16;
    return (floats)wide;
}

// To the nearest, ties to even, as torch does; NaN stays NaN because its exponent is never carried over here.
static inline void narrow(real *to, floats values) {
    words bits = (words)values;
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    *(halves *)to = __builtin_convertvector(bits, halves);
}

static inline real narrow_one(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (real)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline float widen_one(real value) {
    uint32_t bits = (uint32_t)value << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}
#else
static inline floats widen(const real *from) { return load(from); }
static inline void narrow(real *to, floats values) { store(to, values); }
static inline real narrow_one(float value) { return value; }
static inline float widen_one(real value) { return value; }
#endif

// total + w * x, where x is one pair for all lanes.
#if defined(BFLOAT16) && defined(__AVX512BF16__)
#include <immintrin.h>
static inline floats multiply_add(floats total, pairs w, pair x) {
    return (floats)_mm512_dpbf16_ps((__m512)total, (__m512bh)w, (__m512bh)_mm512_set1_epi32((int)x));
}
#elif defined(BFLOAT16)
static inline floats multiply_add(floats total, pairs w, pair x) {
    words low = {0}, high = {0};
    low = w << 16, high = w & 0xffff0000u;
    total += (floats)low * widen_one((real)x);
    return total + (floats)high * widen_one((real)(x >> 16));
}
#else
static inline floats multiply_add(floats total, pairs w, pair x) { return total + w * x; }
#endif

// e^x for x <= 0, to about 1e-7 relative. Below -40 it is 0: nothing that is summed up here would notice, and numbers
// too small for the exponent make every multiplication slow. Cody and Waite's reduction with the polynomial of Cephes.
static inline floats exponential(floats x) {
    ints tiny = x < -40.0f;
    x = choose(tiny, splat(-40.0f), x);
    floats scaled = x * 1.44269504088896341f - 0.5f;
    ints power = __builtin_convertvector(scaled, ints);
    floats whole = __builtin_convertvector(power, floats);
    x = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    floats y = splat(1.9875691500e-4f);
    y = y * x + 1.3981999507e-3f;
    y = y * x + 8.3334519073e-3f;
    y = y * x + 4.1665795894e-2f;
    y = y * x + 1.6666665459e-1f;
    y = y * x + 5.0000001201e-1f;
    y = y * x * x + x + 1.0f;
    y = (floats)((ints)y + (power << 23));
    return choose(tiny, splat(0.0f), y);
}
