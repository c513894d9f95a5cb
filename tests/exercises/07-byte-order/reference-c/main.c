/* main HOST PORT KIND SEQUENCE: send two numbers, print the two that come back. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER 6

int main(int argc, char **argv)
{
    struct sockaddr_in AdrSock;
    struct hostent *RechnerID;
    unsigned char Puffer[HEADER];
    uint16_t Kind;
    uint32_t Sequence;
    int MySocket;

    if (argc != 5)
        return 2;
    Kind = htons((uint16_t)strtoul(argv[3], NULL, 10));
    Sequence = htonl((uint32_t)strtoul(argv[4], NULL, 10));
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
    RechnerID = gethostbyname(argv[1]);
    if (MySocket == -1 || RechnerID == NULL) {
        fprintf(stderr, "main: no socket or no such host\n");
        return 1;
    }
    memset(&AdrSock, 0, sizeof(AdrSock));
    AdrSock.sin_family = AF_INET;
    memcpy(&AdrSock.sin_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr));
    AdrSock.sin_port = htons((unsigned short)atoi(argv[2]));
    if (connect(MySocket, (struct sockaddr *)&AdrSock, sizeof(AdrSock)) < 0) {
        perror("main");
        return 1;
    }
    memcpy(Puffer, &Kind, 2);
    memcpy(Puffer + 2, &Sequence, 4);
    if (send(MySocket, Puffer, HEADER, 0) != HEADER)
        return 1;
    for (int Got = 0; Got < HEADER;) {
        ssize_t Len = recv(MySocket, Puffer + Got, HEADER - Got, 0);
        if (Len <= 0) {
            fprintf(stderr, "main: the server closed too early\n");
            return 1;
        }
        Got += Len;
    }
    memcpy(&Kind, Puffer, 2);
    memcpy(&Sequence, Puffer + 2, 4);
    printf("%u %lu\n", (unsigned)ntohs(Kind), (unsigned long)ntohl(Sequence));
    return 0;
}
