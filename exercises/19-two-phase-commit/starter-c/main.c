/* main coordinator PORT ONE TWO: books on both.
 * main participant NAME PORT PLACES COORDINATOR PEER: one of both. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1001], Answer[128];
    int Here;

    if (argc < 5) {
        fprintf(stderr, "usage: main coordinator PORT ONE TWO\n"
                        "       main participant NAME PORT PLACES COORDINATOR PEER\n");
        return 2;
    }
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[strcmp(argv[1], "participant") == 0 ? 3 : 2]));
    Here = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Here, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        char Id[32] = "", Verb[16] = "";
        const char *Said = "";
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Here, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len <= 0)
            continue;
        Request[Len] = 0;
        sscanf(Request, "%31s %15s", Id, Verb);
        /* ask both participants, decide, write it down, and tell both until they know */
        if (strcmp(Verb, "book") == 0)
            Said = "refused";
        else if (strcmp(Verb, "free") == 0)
            Said = argv[4];
        Len = snprintf(Answer, sizeof(Answer), "%s %s", Id, Said);
        sendto(Here, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
