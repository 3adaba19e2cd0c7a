/* y = x W' + b for many rows and few outputs, and its gradients: the readout of a sequence.

   The outputs are padded to a multiple of BLOCK. Rows are taken in groups of GROUP; the gradient of
   W is summed for each group, and the groups in a fixed order, so results do not depend on the
   number of threads.

   Compile with -DREAL=float -DREAL_BYTES=4, or double and 8. M rows, K features, O outputs. */

#include "lanes.h"

#define GROUP 512 /* fixed, as the order of sums depends on it; threads take whole groups */
#define STRIP 32 /* rows that stay in a cache while all outputs are gone through */
#define BLOCK 4

int linear_group(void) { return GROUP; }
int linear_block(void) { return BLOCK; }

ALWAYS vec at(const REAL *p) { return *(const loose *)p; }

/* The sum of each of BLOCK x BLOCK vectors: transposed, they are added up LANES at a time, where a
   sum within each vector would take log2 LANES shuffles for one number. */
ALWAYS void totals(vec *s, REAL *to) {
    for (int i = 0; i < BLOCK * BLOCK; i += LANES) {
        transpose(s + i);
        vec sum = s[i];
        for (int l = 1; l < LANES; l++) sum += s[i + l];
        *(loose *)(to + i) = sum;
    }
}

/* y = x W' + b for BLOCK outputs and no more rows than that. Here a vector is LANES features of one
   row: outputs are too few to fill one, and rows are not contiguous. */
ALWAYS void product(const REAL *x, const REAL *w, const REAL *b, REAL *y, int rows, int features,
                    int outputs) {
    vec s[BLOCK * BLOCK];
    REAL sums[BLOCK * BLOCK];
    int k = 0;
    for (int i = 0; i < BLOCK * BLOCK; i++) s[i] = splat(0);
    for (; k + LANES <= features; k += LANES)
        for (int r = 0; r < rows; r++)
            for (int o = 0; o < BLOCK; o++)
                s[r * BLOCK + o] += at(x + r * features + k) * at(w + o * features + k);
    totals(s, sums);
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < BLOCK; o++) {
            REAL sum = b[o] + sums[r * BLOCK + o];
            for (int i = k; i < features; i++) sum += x[r * features + i] * w[o * features + i];
            y[r * outputs + o] = sum;
        }
}

void linear_forward(long rows, int features, int outputs, int first, int last, const REAL *x,
                    const REAL *w, const REAL *b, REAL *y) {
    const long end = (long)last * GROUP < rows ? (long)last * GROUP : rows;
    for (long m = (long)first * GROUP; m < end; m += BLOCK)
        for (int o = 0; o < outputs; o += BLOCK) {
            const REAL *xm = x + m * features, *wo = w + (ptrdiff_t)o * features;
            REAL *ym = y + m * outputs + o;
            if (m + BLOCK <= end) product(xm, wo, b + o, ym, BLOCK, features, outputs);
            else product(xm, wo, b + o, ym, (int)(end - m), features, outputs);
        }
}

/* dx = g W for one row, `count` vectors of features at once. */
ALWAYS void to_features(const REAL *g, const REAL *w, REAL *dx, int features, int outputs,
                        int count) {
    vec s[BLOCK];
    for (int i = 0; i < count; i++) s[i] = splat(0);
    for (int o = 0; o < outputs; o++)
        for (int i = 0; i < count; i++) s[i] += g[o] * at(w + (ptrdiff_t)o * features + i * LANES);
    for (int i = 0; i < count; i++) *(loose *)(dx + i * LANES) = s[i];
}

ALWAYS void to_input(const REAL *g, const REAL *w, REAL *dx, int features, int outputs) {
    int k = 0;
    for (; k + BLOCK * LANES <= features; k += BLOCK * LANES)
        to_features(g, w + k, dx + k, features, outputs, BLOCK);
    for (; k + LANES <= features; k += LANES) to_features(g, w + k, dx + k, features, outputs, 1);
    for (; k < features; k++) {
        dx[k] = 0;
        for (int o = 0; o < outputs; o++) dx[k] += g[o] * w[(ptrdiff_t)o * features + k];
    }
}

/* dw += g' x over some rows, for BLOCK outputs. */
ALWAYS void to_weights(const REAL *g, const REAL *x, REAL *dw, int rows, int features,
                       int outputs) {
    int k = 0;
    for (; k + LANES <= features; k += LANES) {
        vec s[BLOCK] = {splat(0), splat(0), splat(0), splat(0)};
        for (int r = 0; r < rows; r++)
            for (int o = 0; o < BLOCK; o++) s[o] += g[r * outputs + o] * at(x + r * features + k);
        for (int o = 0; o < BLOCK; o++) *(loose *)(dw + o * features + k) += s[o];
    }
    for (; k < features; k++)
        for (int o = 0; o < BLOCK; o++)
            for (int r = 0; r < rows; r++)
                dw[o * features + k] += g[r * outputs + o] * x[r * features + k];
}

/* dx (M, K), or null; dw has (O, K) for each group. */
void linear_backward(long rows, int features, int outputs, int first, int last, const REAL *x,
                     const REAL *w, const REAL *g, REAL *dx, REAL *dw) {
    const long end = (long)last * GROUP < rows ? (long)last * GROUP : rows;
    const size_t size = (size_t)outputs * features;
    memset(dw + first * size, 0, (last - first) * size * sizeof(REAL));
    for (long m = (long)first * GROUP; m < end; m += STRIP) {
        const int count = m + STRIP < end ? STRIP : (int)(end - m);
        const REAL *gm = g + m * outputs, *xm = x + m * features;
        REAL *sum = dw + m / GROUP * size;
        for (int o = 0; o < outputs; o += BLOCK)
            to_weights(gm + o, xm, sum + (ptrdiff_t)o * features, count, features, outputs);
        for (int r = 0; dx && r < count; r++)
            to_input(gm + r * outputs, w, dx + (m + r) * features, features, outputs);
    }
}
