/* All roots at once: the iteration of O. Aberth (Math. Comp. 27, 1973) and L. W. Ehrlich. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "roots.h"

static int by_parts(const void *a, const void *b) {
    const double complex x = *(const double complex *)a, y = *(const double complex *)b;
    if (creal(x) != creal(y)) return creal(x) < creal(y) ? -1 : 1;
    return (cimag(x) > cimag(y)) - (cimag(x) < cimag(y));
}

/* Newton's step p(z)/p'(z). Outside the unit circle powers overflow: there it is that of the reversed polynomial at 1/z. */
static double complex newton(const double complex *a, int n, double complex z) {
    double complex value = 0, slope = 0, w = 1 / z;
    int k, inside = cabs(z) <= 1;
    for (k = 0; k <= n; k++) {
        slope = slope * (inside ? z : w) + value;
        value = value * (inside ? z : w) + a[inside ? k : n - k];
    }
    if (value == 0) return 0;
    if (inside) return slope == 0 ? 0.01 : value / slope;
    return 1 / ((n - w * slope / value) * w);
}

static int improve(const double complex *a, int n, double complex *z, int i) {
    double complex step = newton(a, n, z[i]), repulsion = 0;
    int k;
    for (k = 0; k < n; k++)
        if (k != i && z[k] != z[i]) repulsion += 1 / (z[i] - z[k]);
    step = step / (1 - step * repulsion);
    if (!isfinite(creal(step)) || !isfinite(cimag(step))) return 0;
    z[i] -= step;
    return cabs(step) > DBL_EPSILON * cabs(z[i]);
}

/* The roots of a polynomial whose first and last coefficients are not 0. */
static void iterate(double complex *a, int n, double complex *z) {
    double scale = exp((log(cabs(a[n])) - log(cabs(a[0]))) / n), power = 1;
    int i, round, moving = 1, real = 1;
    for (i = 0; i <= n; i++) { /* so that the roots' geometric mean is 1 */
        real = real && cimag(a[i]) == 0;
        a[i] *= power;
        power /= scale;
    }
    for (i = 0; i < n; i++) z[i] = (1 + 0.1 * i / n) * cexp(I * (6.283185307179586 * i / n + 0.7));
    for (round = 0; round < 500 && moving > 0; round++)
        for (i = moving = 0; i < n; i++) moving += improve(a, n, z, i);
    for (i = 0; i < n; i++) {
        if (real && fabs(cimag(z[i])) < 1e-12 * cabs(z[i])) z[i] = creal(z[i]);
        if (real && fabs(creal(z[i])) < 1e-12 * cabs(z[i])) z[i] = cimag(z[i]) * I;
        z[i] *= scale;
    }
}

int solve(const double complex *coefficients, int count, double complex *roots) {
    double complex a[MOST_DEGREE + 1];
    int n, zeros = 0, i;
    while (count > 0 && *coefficients == 0) {
        coefficients++;
        count--;
    }
    if (count == 0) return -1;
    for (i = 0; i < count; i++) a[i] = coefficients[i];
    for (n = count - 1; a[n] == 0; n--) roots[zeros++] = 0;
    if (n > 0) iterate(a, n, roots + zeros);
    for (i = 0; i < zeros + n; i++) roots[i] += 0.0; /* no -0.0 */
    qsort(roots, (size_t)(zeros + n), sizeof *roots, by_parts);
    return zeros + n;
}
