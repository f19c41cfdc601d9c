/* Answers in capital letters. It is started for each event: stdin to stdout, log on stderr. */
#include <ctype.h>
#include <stdio.h>

int main(void) {
    fprintf(stderr, "called\n");
    for (int c; (c = getchar()) != EOF;) putchar(toupper(c));
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
