/* main PORT: send everything back to many clients at the same time. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in AdrMySock;
    int MySocket, ForeignSocket;

    if (argc != 2) {
        fprintf(stderr, "usage: main PORT\n");
        return 2;
    }
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
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
        ForeignSocket = accept(MySocket, NULL, NULL);
        /* serve this client, and the next ones at the same time */
        close(ForeignSocket);
    }
}
