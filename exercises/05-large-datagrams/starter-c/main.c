/* main PORT LIMIT: answer each datagram with itself, or with "too long". */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in AdrMySock, Sender;
    char Puffer[2000];
    int MySocket;

    if (argc != 3) {
        fprintf(stderr, "usage: main PORT LIMIT\n");
        return 2;
    }
    MySocket = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&AdrMySock, 0, sizeof(AdrMySock));
    AdrMySock.sin_family = AF_INET;
    AdrMySock.sin_addr.s_addr = INADDR_ANY;
    AdrMySock.sin_port = htons((unsigned short)atoi(argv[1]));
    if (bind(MySocket, (struct sockaddr *)&AdrMySock, sizeof(AdrMySock)) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        socklen_t SenderLen = sizeof(Sender);
        ssize_t Len = recvfrom(MySocket, Puffer, sizeof(Puffer), 0,
                               (struct sockaddr *)&Sender, &SenderLen);
        /* notice whether the datagram was longer than the limit */
        if (Len >= 0)
            sendto(MySocket, Puffer, Len, 0, (struct sockaddr *)&Sender, SenderLen);
    }
}
