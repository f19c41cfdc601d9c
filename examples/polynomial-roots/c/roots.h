/* The roots of polynomials: reading a request, solving, writing the answer. */
#ifndef ROOTS_H
#define ROOTS_H

#include <complex.h>
#include <stddef.h>

enum { MOST_DEGREE = 200 };

typedef struct request {
    char id[80]; /* as it stands in the request, or null */
    double complex coefficients[MOST_DEGREE + 1]; /* that of the highest power first */
    int count;
    const char *wrong; /* what is wrong with it, or NULL */
} request;

/* Reads a request, {"id": 1, "coefficients": [1, 0, [0, 2]]}. */
void read_request(request *r, const char *text, size_t size);

/* The roots, ordered by real and then imaginary part, into roots; returns how many there are, or -1 if every number is one. */
int solve(const double complex *coefficients, int count, double complex *roots);

/* Answers a request; returns the bytes of the answer. */
size_t answer(const char *text, size_t size, char *to, size_t room);

#endif
