/* main PORT: greet and echo clients of both address families. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int ForeignSocket)
{
    /* tell the client its address, then send back what it sends */
    (void)ForeignSocket;
}

int main(int argc, char **argv)
{
    struct sockaddr_in AdrMySock;
    int MySocket, On = 1;

    if (argc != 2) {
        fprintf(stderr, "usage: main PORT\n");
        return 2;
    }
    MySocket = socket(AF_INET, SOCK_STREAM, 0); /* one family only */
    setsockopt(MySocket, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On));
    memset(&AdrMySock, 0, sizeof(AdrMySock));
    AdrMySock.sin_family = AF_INET;
    AdrMySock.sin_addr.s_addr = INADDR_ANY;
    AdrMySock.sin_port = htons((unsigned short)atoi(argv[1]));
    if (bind(MySocket, (struct sockaddr *)&AdrMySock, sizeof(AdrMySock)) < 0
        || listen(MySocket, 5) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        int ForeignSocket = accept(MySocket, NULL, NULL);
        serve(ForeignSocket);
        close(ForeignSocket);
    }
}
