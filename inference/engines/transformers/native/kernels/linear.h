// y = x Wᵀ for packed weights. A packed matrix has its outputs in tiles of 16: [outputs/16][inputs/PER_PAIR][16] pairs.
//
// Each output is summed up over the inputs in their order, in runs of RUN, whatever the number of rows and however
// the work is divided. So a row's result is the same bits in every batch.
#pragma once

#include "vector.h"

typedef struct {
    const pair *weights;
    const float *bias; // or NULL
    int inputs, outputs;
} Matrix;

// Where the sums of a tile go, for rows [row, row + 1) and outputs [16 tile, 16 tile + 16).
typedef enum { STORE, ADD, GATE } Ending;

typedef struct {
    Ending ending;
    float *to;   // STORE, ADD: [rows][stride]
    real *gated; // GATE: [rows][stride]
    int stride;
    float scale;
} Target;

#define MOST_ROWS 8
#define MOST_TILES 4
// Terms that are summed up by themselves before they go to the total: long sums lose less that way.
#define RUN 96

static inline floats finished(const Matrix *m, floats total, int tile) {
    return m->bias ? total + load(m->bias + LANES * tile) : total;
}

// Gates and ups alternate tile by tile: silu(gate) * up.
static inline void gate(const Matrix *m, const Target *t, const floats *sums, int row, int tile) {
    floats g = finished(m, sums[0], tile), up = finished(m, sums[1], tile + 1);
    floats low = exponential(choose(g < 0, g, -g));
    floats sigmoid = choose(g < 0, low, splat(1.0f)) / (1.0f + low);
    narrow(t->gated + (long)row * t->stride + LANES / 2 * tile, g * sigmoid * up);
}

static inline void put(const Matrix *m, const Target *t, const floats *sums, int row, int tile) {
    if (t->ending == GATE) return;
    float *to = t->to + (long)row * t->stride + LANES * tile;
    floats value = finished(m, sums[0], tile) * t->scale;
    store(to, t->ending == ADD ? load(to) + value : value);
}

ALWAYS void block(const Matrix *m, const Target *t, const pair *x, int row, int tile, int rows, int tiles) {
    floats totals[MOST_ROWS][MOST_TILES];
    const int depth = m->inputs / PER_PAIR;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < tiles; c++) totals[r][c] = splat(0.0f);
    for (int from = 0; from < depth; from += RUN) {
        const int to = from + RUN < depth ? from + RUN : depth;
        floats sums[MOST_ROWS][MOST_TILES];
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < tiles; c++) sums[r][c] = splat(0.0f);
        for (int k = from; k < to; k++) {
            const pair *w = m->weights + ((long)tile * depth + k) * LANES;
            pairs column[MOST_TILES];
            for (int c = 0; c < tiles; c++) column[c] = *(const pairs *)(w + (long)c * depth * LANES);
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < tiles; c++)
                    sums[r][c] = multiply_add(sums[r][c], column[c], x[(long)(row + r) * depth + k]);
        }
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < tiles; c++) totals[r][c] += sums[r][c];
    }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < tiles; c++) {
            put(m, t, &totals[r][c], row + r, tile + c);
            if (t->ending == GATE && c % 2 == 0) gate(m, t, &totals[r][c], row + r, tile + c);
        }
}

#define CASE(r, c) case r: block(m, t, x, row, tile, r, c); break;
#define BLOCKS(name, tiles, CASES)                                                                                     \
    static __attribute__((noinline)) void name(const Matrix *m, const Target *t, const pair *x, int row, int tile,     \
                                               int rows) {                                                             \
        switch (rows) { CASES }                                                                                        \
    }
// As many rows at once as leave 24 sums in registers.
BLOCKS(four_tiles, 4, CASE(1, 4) CASE(2, 4) CASE(3, 4) CASE(4, 4) CASE(5, 4) CASE(6, 4))
BLOCKS(two_tiles, 2, CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2) CASE(7, 2) CASE(8, 2))

static inline void tile_rows(const Matrix *m, const Target *t, const pair *x, int from, int to, int tile, int tiles) {
    const int most = tiles == 4 ? 6 : 8;
    for (int row = from; row < to; row += most) {
        int rows = to - row < most ? to - row : most;
        if (tiles == 4) four_tiles(m, t, x, row, tile, rows);
        else two_tiles(m, t, x, row, tile, rows);
    }
}

// As many tiles at once as leave no thread with much more than the others; the results do not depend on it.
static inline int tiles_at_once(int tiles, int threads) {
    int fours = (tiles + 3) / 4, twos = tiles / 2;
    int by_four = 4 * ((fours + threads - 1) / threads), by_two = 2 * ((twos + threads - 1) / threads);
    return by_four <= by_two ? 4 : 2;
}

#define ROWS_AT_ONCE 48

// Called by all threads of a parallel region; returns when all are done.
static inline void linear(const Matrix *m, const Target *t, const real *x, int rows, int threads) {
    const int tiles = m->outputs / LANES, wide = tiles_at_once(tiles, threads);
    const int columns = (tiles + wide - 1) / wide, chunks = (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
#pragma omp for schedule(dynamic)
    for (int unit = 0; unit < columns * chunks; unit++) {
        int tile = unit / chunks * wide, from = unit % chunks * ROWS_AT_ONCE;
        int to = from + ROWS_AT_ONCE < rows ? from + ROWS_AT_ONCE : rows;
        tile_rows(m, t, (const pair *)x, from, to, tile, tiles - tile < wide ? tiles - tile : wide);
    }
}
