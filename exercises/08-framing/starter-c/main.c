/* main PORT: answer each message with its bytes in reverse order. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGEST 1000000

static void serve(int ForeignSocket)
{
    /* answer the messages of one client until it has finished */
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
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
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
