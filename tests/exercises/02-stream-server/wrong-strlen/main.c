/* main PORT: send everything back to one client after the other. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPUF 1023

static int send_all(int Socket, const char *Puffer, ssize_t Len)
{
    for (ssize_t Sent = 0; Sent < Len;) {
        ssize_t More = send(Socket, Puffer + Sent, Len - Sent, MSG_NOSIGNAL);
        if (More < 0)
            return -1;
        Sent += More;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char Puffer[MAXPUF + 1];
    struct sockaddr_in AdrMySock;
    int MySocket, ForeignSocket, On = 1;
    ssize_t Len;

    if (argc != 2)
        return 2;
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
        ForeignSocket = accept(MySocket, NULL, NULL);
        if (ForeignSocket < 0)
            continue;
        while ((Len = recv(ForeignSocket, Puffer, MAXPUF, 0)) > 0)
            {
            Puffer[Len] = 0;
            if (send_all(ForeignSocket, Puffer, strlen(Puffer)) < 0)
                break;
        }
        close(ForeignSocket);
    }
}
