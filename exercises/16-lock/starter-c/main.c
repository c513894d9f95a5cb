/* main lock PORT: a lock with leases. main store PORT: a number that it protects. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1001], Answer[128], Value[32] = "empty";
    long long Token = 0;
    int Here;

    if (argc != 3) {
        fprintf(stderr, "usage: main lock|store PORT\n");
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
        char Id[32] = "", Verb[16] = "";
        long long Given = 0;
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Here, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len <= 0)
            continue;
        Request[Len] = 0;
        /* look at leases and tokens, and keep what must not be forgotten */
        if (sscanf(Request, "%31s %15s %lld %31s", Id, Verb, &Given, Value) == 4)
            Len = snprintf(Answer, sizeof(Answer), "%s ok", Id);
        else if (strcmp(Verb, "acquire") == 0)
            Len = snprintf(Answer, sizeof(Answer), "%s %lld", Id, ++Token);
        else if (strcmp(Verb, "read") == 0)
            Len = snprintf(Answer, sizeof(Answer), "%s %s", Id, Value);
        else
            Len = snprintf(Answer, sizeof(Answer), "%s ok", Id);
        sendto(Here, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
