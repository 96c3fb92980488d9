// One step of a decoder of the Llama family: RMSNorm, rotary positions, grouped queries, gated MLP.
//
// The rows of a step are tokens: of sequences that decode one each, of prompts many. The residual stream stays in
// float; what goes into a matrix is of the weights' type.
#include <math.h>
#include <stdlib.h>

#include "attention.h"
#include "linear.h"

typedef struct {
    Matrix qkv, out, gate_up, down;
    const float *input_norm, *mlp_norm; // [width]
    const float *query_norm, *key_norm; // [head size], or NULL
    Cache cache;
    int rotates; // whether positions turn queries and keys in this layer
} Layer;

typedef struct {
    const Layer *layers;
    Matrix head;
    const real *embedding;    // [vocabulary][width]
    const float *norm;        // [width]
    const float *cosines;     // [positions][rotated/2]
    const float *sines;       // the same
    int count, width, rotated, inner;
    float epsilon, embedding_scale, residual_scale, logit_scale;
} Decoder;

typedef struct {
    const int32_t *tokens; // [rows]
    Places places;
    const int32_t *wanted; // [results] the rows whose results are asked for
    int results, threads;
    float *logits; // [results][head.outputs], or NULL
    float *hidden; // [results][width] after the last norm, or NULL
} Step;

typedef struct {
    float *stream, *qkv;
    real *normed, *query, *attended, *inner;
    int32_t *starts;
    int units, qkv_width;
} Scratch;

static void rms_norm(float *to, const float *x, const float *weight, int size, float epsilon) {
    floats squares = splat(0);
    for (int i = 0; i < size; i += LANES) squares += load(x + i) * load(x + i);
    float scale = 1.0f / sqrtf(sum(squares) / size + epsilon);
    for (int i = 0; i < size; i += LANES) store(to + i, load(x + i) * scale * load(weight + i));
}

static void norm_row(real *to, const float *x, const float *weight, int size, float epsilon) {
    floats squares = splat(0);
    for (int i = 0; i < size; i += LANES) squares += load(x + i) * load(x + i);
    float scale = 1.0f / sqrtf(sum(squares) / size + epsilon);
    for (int i = 0; i < size; i += LANES) narrow(to + i, load(x + i) * scale * load(weight + i));
}

// Called by all threads of a parallel region.
static void norm_rows(const Decoder *d, const Scratch *s, const float *weight, int rows) {
#pragma omp for schedule(static)
    for (int row = 0; row < rows; row++)
        norm_row(s->normed + (long)row * d->width, s->stream + (long)row * d->width, weight, d->width, d->epsilon);
}

static void embed_row(const Decoder *d, float *to, int token) {
    for (int i = 0; i < d->width; i += LANES)
        store(to + i, widen(d->embedding + (long)token * d->width + i) * d->embedding_scale);
}

// The halves of a head are the parts of complex numbers (Hugging Face's rotate_half).
static void rotate(const Decoder *d, float *head, int position) {
    const int half = d->rotated / 2;
    const float *cosine = d->cosines + (long)position * half, *sine = d->sines + (long)position * half;
    for (int i = 0; i < half; i++) {
        float a = head[i], b = head[i + half];
        head[i] = a * cosine[i] - b * sine[i];
        head[i + half] = b * cosine[i] + a * sine[i];
    }
}

static void place_row(const Decoder *d, const Layer *l, const Step *step, const Scratch *s, int row) {
    const Cache *c = &l->cache;
    float *heads = s->qkv + (long)row * s->qkv_width;
    for (int h = 0; h < c->heads + c->kv_heads; h++) {
        float *head = heads + h * c->size;
        const float *norm = h < c->heads ? l->query_norm : l->key_norm;
        if (norm) rms_norm(head, head, norm, c->size, d->epsilon);
        if (l->rotates) rotate(d, head, step->places.position[row]);
    }
    real *query = s->query + (long)row * c->heads * c->size;
    for (int i = 0; i < c->heads * c->size; i += LANES) narrow(query + i, load(heads + i));
    const float *keys = heads + c->heads * c->size, *values = keys + c->kv_heads * c->size;
    for (int h = 0; h < c->kv_heads; h++)
        remember(c, &step->places, row, h, keys + h * c->size, values + h * c->size);
}

static void layer(const Decoder *d, const Layer *l, const Step *step, const Scratch *s) {
    const int rows = step->places.rows, threads = step->threads;
    const Target qkv = {STORE, s->qkv, 0, s->qkv_width, 1.0f}, gated = {GATE, 0, s->inner, d->inner, 1.0f};
    const Target back = {ADD, s->stream, 0, d->width, d->residual_scale};
    norm_rows(d, s, l->input_norm, rows);
    linear(&l->qkv, &qkv, s->normed, rows, threads);
#pragma omp for schedule(static)
    for (int row = 0; row < rows; row++) place_row(d, l, step, s, row);
    attention(&l->cache, &step->places, s->query, s->attended, s->starts, s->units);
    linear(&l->out, &back, s->attended, rows, threads);
    norm_rows(d, s, l->mlp_norm, rows);
    linear(&l->gate_up, &gated, s->normed, rows, threads);
    linear(&l->down, &back, s->inner, rows, threads);
}

static void results(const Decoder *d, const Step *step, const Scratch *s) {
#pragma omp for schedule(static)
    for (int i = 0; i < step->results; i++) {
        const float *x = s->stream + (long)step->wanted[i] * d->width;
        norm_row(s->normed + (long)i * d->width, x, d->norm, d->width, d->epsilon);
        if (step->hidden) rms_norm(step->hidden + (long)i * d->width, x, d->norm, d->width, d->epsilon);
    }
    if (!step->logits) return;
    const Target logits = {STORE, step->logits, 0, d->head.outputs, d->logit_scale};
    linear(&d->head, &logits, s->normed, step->results, step->threads);
}

static void *take(char **from, long bytes) {
    void *taken = *from;
    *from += (bytes + 63) / 64 * 64;
    return taken;
}

static Scratch divide(const Decoder *d, const Step *step, char **from) {
    const Cache *c = &d->layers[0].cache;
    const long rows = step->places.rows, most = rows > step->results ? rows : step->results;
    Scratch s = {.qkv_width = d->layers[0].qkv.outputs};
    s.stream = take(from, rows * d->width * sizeof(float));
    s.qkv = take(from, rows * s.qkv_width * sizeof(float));
    s.normed = take(from, most * d->width * sizeof(real));
    s.query = take(from, rows * c->heads * c->size * sizeof(real));
    s.attended = take(from, rows * c->heads * c->size * sizeof(real));
    s.inner = take(from, rows * d->inner * sizeof(real));
    s.starts = take(from, rows * sizeof(int32_t));
    return s;
}

static int find_units(const Cache *c, const Places *p, int32_t *starts) {
    const int share = c->heads / c->kv_heads, most = share < QUERIES ? QUERIES / share : 1;
    int units = 0;
    for (int row = 0; row < p->rows; row += rows_together(p, row, most)) starts[units++] = row;
    return units;
}

// 0, or 1 when there is no memory for the intermediate values.
int decoder_step(const Decoder *d, const Step *step) {
    char *end = 0;
    divide(d, step, &end);
    char *memory = aligned_alloc(64, (size_t)end + 64), *from = memory;
    if (!memory) return 1;
    Scratch s = divide(d, step, &from);
    s.units = find_units(&d->layers[0].cache, &step->places, s.starts);
#pragma omp parallel num_threads(step->threads)
    {
#pragma omp for schedule(static)
        for (int row = 0; row < step->places.rows; row++)
            embed_row(d, s.stream + (long)row * d->width, step->tokens[row]);
        for (int i = 0; i < d->count; i++) layer(d, &d->layers[i], step, &s);
        results(d, step, &s);
    }
    free(memory);
    return 0;
}

// Attention alone, for models whose other parts are computed elsewhere: keys and values [rows][kv heads][size] go into
// the cache, and queries [rows][heads][size] are answered. 0, or 1 when there is no memory.
int attention_step(const Cache *c, const Places *p, const real *query, const real *key, const real *value, real *out,
                   int threads) {
    int32_t *starts = malloc(p->rows * sizeof(int32_t));
    if (!starts) return 1;
    const int units = find_units(c, p, starts);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (int unit = 0; unit < p->rows * c->kv_heads; unit++) {
            float wide[2][LARGEST_HEAD];
            for (int i = 0; i < c->size; i += LANES) {
                store(wide[0] + i, widen(key + (long)unit * c->size + i));
                store(wide[1] + i, widen(value + (long)unit * c->size + i));
            }
            remember(c, p, unit / c->kv_heads, unit % c->kv_heads, wide[0], wide[1]);
        }
        attention(c, p, query, out, starts, units);
    }
    free(starts);
    return 0;
}

// The sizes that the caller's structures must have: a check that both sides mean the same.
int decoder_sizes(int which) { return which == 0 ? sizeof(Decoder) : which == 1 ? sizeof(Layer) : sizeof(Step); }
