/* Reads the JSON of a request: as much of JSON as that takes. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roots.h"

typedef struct reader {
    const char *at, *end;
    const char *wrong;
} reader;

static void space(reader *r) {
    while (r->at < r->end && isspace((unsigned char)*r->at)) r->at++;
}

static int next_is(reader *r, char c) {
    space(r);
    if (r->at == r->end || *r->at != c) return 0;
    r->at++;
    return 1;
}

static void fail(reader *r, const char *wrong) {
    if (r->wrong == NULL) r->wrong = wrong;
    r->at = r->end;
}

static double number(reader *r) {
    char text[64], *end;
    size_t n = 0;
    double value;
    space(r);
    while (r->at < r->end && n < sizeof text - 1 && strchr("+-.0123456789eE", *r->at) != NULL) text[n++] = *r->at++;
    text[n] = 0;
    value = strtod(text, &end);
    if (n == 0 || *end != 0) fail(r, "coefficients: a number or [real, imaginary] is wanted");
    else if (!isfinite(value)) fail(r, "coefficients: a number is not finite");
    return value;
}

static double complex coefficient(reader *r) {
    double real, imaginary;
    if (!next_is(r, '[')) return number(r);
    real = number(r);
    if (!next_is(r, ',')) fail(r, "coefficients: a number or [real, imaginary] is wanted");
    imaginary = number(r);
    if (!next_is(r, ']')) fail(r, "coefficients: a number or [real, imaginary] is wanted");
    return real + imaginary * I;
}

static void coefficients(reader *r, request *q) {
    if (!next_is(r, '[')) fail(r, "coefficients: a list of numbers is wanted, the one of the highest power first");
    if (next_is(r, ']')) fail(r, "coefficients: there are none");
    while (r->wrong == NULL) {
        if (q->count > MOST_DEGREE) fail(r, "coefficients: there are more than this program takes");
        else q->coefficients[q->count++] = coefficient(r);
        if (next_is(r, ']')) return;
        if (!next_is(r, ',')) fail(r, "the request is not JSON");
    }
}

/* A string or a number, as it stands. */
static void scalar(reader *r, char *to, size_t room) {
    const char *begin;
    size_t n;
    space(r);
    begin = r->at;
    if (r->at < r->end && *r->at == '"') {
        for (r->at++; r->at < r->end && *r->at != '"'; r->at++)
            if (*r->at == '\\') r->at++;
        if (r->at < r->end) r->at++;
        else fail(r, "the request is not JSON");
    } else
        while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("+-.", *r->at) != NULL)) r->at++;
    n = (size_t)(r->at - begin);
    if (n == 0 || n >= room) fail(r, "id: it is a string or an integer, of at most 79 bytes");
    if (r->wrong != NULL) return;
    memcpy(to, begin, n);
    to[n] = 0;
}

void read_request(request *q, const char *text, size_t size) {
    reader r = {text, text + size, NULL};
    char key[80];
    memset(q, 0, sizeof *q);
    strcpy(q->id, "null");
    if (!next_is(&r, '{')) fail(&r, "the request is not a JSON object");
    while (r.wrong == NULL && !next_is(&r, '}')) {
        scalar(&r, key, sizeof key);
        if (!next_is(&r, ':')) fail(&r, "the request is not JSON");
        else if (strcmp(key, "\"coefficients\"") == 0) coefficients(&r, q);
        else if (strcmp(key, "\"id\"") == 0) scalar(&r, q->id, sizeof q->id);
        else fail(&r, "a request has an id and coefficients, and nothing else");
        next_is(&r, ',');
    }
    if (r.wrong == NULL && q->count == 0) r.wrong = "coefficients: a list of numbers is wanted, the one of the highest power first";
    q->wrong = r.wrong;
}

size_t answer(const char *text, size_t size, char *to, size_t room) {
    static request q;
    static double complex roots[MOST_DEGREE];
    size_t used;
    int i, n = 0;
    read_request(&q, text, size);
    if (q.wrong == NULL && (n = solve(q.coefficients, q.count, roots)) < 0) q.wrong = "coefficients: all are 0, so every number is a root";
    if (q.wrong != NULL) return (size_t)snprintf(to, room, "{\"id\": %s, \"error\": \"%s\"}", q.id, q.wrong);
    used = (size_t)snprintf(to, room, "{\"id\": %s, \"roots\": [", q.id);
    for (i = 0; i < n; i++)
        used += (size_t)snprintf(to + used, room - used, "%s[%.17g, %.17g]", i > 0 ? ", " : "", creal(roots[i]), cimag(roots[i]));
    used += (size_t)snprintf(to + used, room - used, "]}");
    return used;
}
