/* main HOST PORT: say how PORT of HOST can be reached, in one word. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TIMEOUT 5000

static const char *word(int Error)
{
    switch (Error) {
    case 0:
        return "open";
    case ECONNREFUSED:
        return "refused";
    default:
        return "unreachable";
    }
}

static const char *attempt(const char *Host, unsigned short Port)
{
    struct sockaddr_in AdrSock;
    struct hostent *RechnerID = gethostbyname(Host);
    int MySocket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), Error = 0;
    struct pollfd Ready = {.fd = MySocket, .events = POLLOUT};
    socklen_t Len = sizeof(Error);

    if (RechnerID == NULL)
        return "unknown";
    memset(&AdrSock, 0, sizeof(AdrSock));
    AdrSock.sin_family = AF_INET;
    memcpy(&AdrSock.sin_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr));
    AdrSock.sin_port = htons(Port);
    connect(MySocket, (struct sockaddr *)&AdrSock, sizeof(AdrSock));
    if (errno != EINPROGRESS)
        return word(errno);
    if (poll(&Ready, 1, TIMEOUT) == 0)
        return "silent";
    getsockopt(MySocket, SOL_SOCKET, SO_ERROR, &Error, &Len);
    return word(Error);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    puts(attempt(argv[1], (unsigned short)atoi(argv[2])));
    return 0;
}
