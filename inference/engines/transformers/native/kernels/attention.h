// Attention of rows (one token each) to their sequences' keys and values, which lie in blocks of 16 tokens.
//
// Blocks are seen in the order of their positions, by the running softmax of Milakov and Gimelshein
// (https://arxiv.org/abs/1805.02867), so a row's result depends on its own sequence alone.
#pragma once

#include "vector.h"

#define LARGEST_HEAD 256
#define QUERIES 16

typedef struct {
    real *keys;   // [blocks][kv heads][size/PER_PAIR][16] pairs
    real *values; // [blocks][kv heads][16/PER_PAIR][size] pairs
    int heads, kv_heads, size;
    int window; // keys that a row sees, itself included; 0 for all
    float scale;
} Cache;

typedef struct {
    const int32_t *sequence; // [rows] which line of `blocks`
    const int32_t *position; // [rows]
    const int32_t *blocks;   // [sequences][stride]
    int rows, stride;
} Places;

typedef struct {
    floats total[LARGEST_HEAD / LANES];
    const pair *query;
    float most, weight;
    int position;
} Running;

static inline real *block_of(real *base, const Cache *c, int block, int head) {
    return base + ((long)block * c->kv_heads + head) * LANES * c->size;
}

static inline void remember(const Cache *c, const Places *p, int row, int head, const float *key, const float *value) {
    int at = p->position[row], block = p->blocks[(long)p->sequence[row] * p->stride + at / LANES], lane = at % LANES;
    real *k = block_of(c->keys, c, block, head), *v = block_of(c->values, c, block, head);
    for (int i = 0; i < c->size; i++) {
        k[(i / PER_PAIR * LANES + lane) * PER_PAIR + i % PER_PAIR] = narrow_one(key[i]);
        v[(lane / PER_PAIR * c->size + i) * PER_PAIR + lane % PER_PAIR] = narrow_one(value[i]);
    }
}

static inline floats scores(const Cache *c, const Running *q, const pair *keys, int first) {
    floats sums[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (int i = 0; i < c->size / PER_PAIR; i += 4)
        for (int j = 0; j < 4; j++)
            sums[j] = multiply_add(sums[j], *(const pairs *)(keys + (i + j) * LANES), q->query[i + j]);
    floats score = ((sums[0] + sums[1]) + (sums[2] + sums[3])) * c->scale;
    ints at = (ints){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + first;
    ints hidden = at > q->position;
    if (c->window) hidden |= at <= q->position - c->window;
    return choose(hidden, splat(-__builtin_inff()), score);
}

// total + weights · values, with the sums of `parts` vectors in registers.
ALWAYS void add_values(floats *total, const pair *weights, const pair *values, int parts) {
    floats sums[8];
    for (int i = 0; i < parts; i++) sums[i] = total[i];
    for (int lane = 0; lane < LANES / PER_PAIR; lane++)
        for (int i = 0; i < parts; i++)
            sums[i] = multiply_add(sums[i], *(const pairs *)(values + (lane * parts + i) * LANES), weights[lane]);
    for (int i = 0; i < parts; i++) total[i] = sums[i];
}

static inline void add_weighted(Running *q, const pair *weights, const pair *values, int parts) {
    switch (parts) {
    case 4: add_values(q->total, weights, values, 4); break;
    case 8: add_values(q->total, weights, values, 8); break;
    default:
        for (int i = 0; i < parts; i++)
            for (int lane = 0; lane < LANES / PER_PAIR; lane++)
                q->total[i] = multiply_add(q->total[i], *(const pairs *)(values + (lane * parts + i) * LANES),
                                           weights[lane]);
    }
}

static inline void attend_block(const Cache *c, Running *q, const pair *keys, const pair *values, int first) {
    const int parts = c->size / LANES;
    floats score = scores(c, q, keys, first);
    float most = largest(score);
    if (most > q->most) {
        float shrink = exponential(splat(q->most - most))[0];
        for (int i = 0; i < parts; i++) q->total[i] *= shrink;
        q->weight *= shrink;
        q->most = most;
    }
    floats weights = exponential(score - q->most);
    q->weight += sum(weights);
    real halves[2][LANES];
    narrow(halves[0], weights);
    add_weighted(q, (const pair *)halves[0], values, parts);
#ifdef BFLOAT16
    // What rounding took away, so that a weight is as good as a float.
    narrow(halves[1], weights - widen(halves[0]));
    add_weighted(q, (const pair *)halves[1], values, parts);
#endif
}

static inline int sees(const Cache *c, const Running *q, int first) {
    return first <= q->position && (!c->window || first + LANES - 1 > q->position - c->window);
}

// Queries of one sequence and one key-value head; `out` has the same layout as the queries.
static inline void attend(const Cache *c, const int32_t *blocks, int head, Running *queries, int count) {
    int last = 0;
    for (int i = 0; i < count; i++) {
        Running *q = &queries[i];
        last = q->position > last ? q->position : last;
        q->most = -__builtin_inff(), q->weight = 0;
        for (int j = 0; j < c->size / LANES; j++) q->total[j] = splat(0);
    }
    for (int first = 0; first <= last; first += LANES) {
        const pair *keys = (const pair *)block_of(c->keys, c, blocks[first / LANES], head);
        const pair *values = (const pair *)block_of(c->values, c, blocks[first / LANES], head);
        for (int i = 0; i < count; i++)
            if (sees(c, &queries[i], first)) attend_block(c, &queries[i], keys, values, first);
    }
}

// Rows that follow each other in one sequence are done together: they read the same keys.
static inline int rows_together(const Places *p, int row, int most) {
    int count = 1;
    while (count < most && row + count < p->rows && p->sequence[row + count] == p->sequence[row]) count++;
    return count;
}

static inline void attend_rows(const Cache *c, const Places *p, const real *query, real *out, int row, int head,
                               int rows) {
    const int share = c->heads / c->kv_heads, width = c->heads * c->size;
    Running queries[QUERIES];
    const int32_t *blocks = p->blocks + (long)p->sequence[row] * p->stride;
    for (int done = 0; done < rows * share; done += QUERIES) {
        int count = rows * share - done < QUERIES ? rows * share - done : QUERIES;
        for (int i = 0; i < count; i++) {
            int r = row + (done + i) / share, h = head * share + (done + i) % share;
            queries[i].query = (const pair *)(query + (long)r * width + h * c->size);
            queries[i].position = p->position[r];
        }
        attend(c, blocks, head, queries, count);
        for (int i = 0; i < count; i++) {
            int r = row + (done + i) / share, h = head * share + (done + i) % share;
            real *to = out + (long)r * width + h * c->size;
            for (int j = 0; j < c->size / LANES; j++) narrow(to + j * LANES, queries[i].total[j] / queries[i].weight);
        }
    }
}

// Called by all threads of a parallel region. `starts` [units] are first rows, `counts` how many follow.
static inline void attention(const Cache *c, const Places *p, const real *query, real *out, const int32_t *starts,
                             int units) {
#pragma omp for schedule(dynamic)
    for (int unit = 0; unit < units * c->kv_heads; unit++) {
        int i = unit / c->kv_heads, row = starts[i], end = i + 1 < units ? starts[i + 1] : p->rows;
        attend_rows(c, p, query, out, row, unit % c->kv_heads, end - row);
    }
}
