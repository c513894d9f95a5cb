/* main NAME PORT PEER PEER: a node that gives out numbers which no other node gives out. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1024], Answer[1100];
    long long Number = 0;
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
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Node, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len <= 0)
            continue;
        Request[Len] = 0;
        /* make a number that no node has given out, and that none will */
        Number++;
        Len = snprintf(Answer, sizeof(Answer), "%s %lld", strtok(Request, " "), Number);
        sendto(Node, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
