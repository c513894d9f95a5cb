/* main receive PORT | main send HOST PORT: a transfer over datagrams, stop and wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 1000
#define TIMEOUT 200
#define TRIES 50

static int send_input(const char *Host, unsigned short Port)
{
    /* send standard input, block by block; 0 when all of it was acknowledged */
    (void)Host;
    (void)Port;
    return 1;
}

static int receive(unsigned short Port)
{
    /* print what comes, in order and once, until the end */
    (void)Port;
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "send") == 0)
        return send_input(argv[2], (unsigned short)atoi(argv[3]));
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        return receive((unsigned short)atoi(argv[2]));
    fprintf(stderr, "usage: main receive PORT | main send HOST PORT\n");
    return 2;
}
