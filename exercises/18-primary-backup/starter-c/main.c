/* main view PORT ONE TWO: the view service. main store NAME PORT VIEW PEER: one of two stores. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1001], Answer[2048], Text[1024] = "";
    int Here;

    if (argc < 5) {
        fprintf(stderr, "usage: main view PORT ONE TWO | main store NAME PORT VIEW PEER\n");
        return 2;
    }
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[strcmp(argv[1], "view") == 0 ? 2 : 3]));
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
        /* let the view service appoint one primary, which answers when its backup has done it */
        if (strcmp(Verb, "primary") == 0)
            Said = argv[3];
        else if (strcmp(Verb, "get") == 0)
            Said = *Text ? Text : "empty";
        else if (strlen(Text) + strlen(Word) < sizeof(Text))
            strcat(Text, Word);
        Len = snprintf(Answer, sizeof(Answer), "%s %s", Id, Said);
        sendto(Here, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
