/* main PORT: send everything back to many clients at the same time. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPUF 1023
#define MOST 256

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
    char Puffer[MAXPUF];
    struct sockaddr_in AdrMySock;
    struct pollfd Sockets[MOST];
    int Count = 1, On = 1;

    if (argc != 2)
        return 2;
    Sockets[0].fd = socket(AF_INET, SOCK_STREAM, 0);
    Sockets[0].events = POLLIN;
    setsockopt(Sockets[0].fd, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On));
    memset(&AdrMySock, 0, sizeof(AdrMySock));
    AdrMySock.sin_family = AF_INET;
    AdrMySock.sin_addr.s_addr = INADDR_ANY;
    AdrMySock.sin_port = htons((unsigned short)atoi(argv[1]));
    if (bind(Sockets[0].fd, (struct sockaddr *)&AdrMySock, sizeof(AdrMySock)) < 0
        || listen(Sockets[0].fd, 64) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        poll(Sockets, Count, -1);
        for (int i = Count - 1; i > 0; i--) {
            ssize_t Len;
            if (Sockets[i].revents == 0)
                continue;
            Len = recv(Sockets[i].fd, Puffer, MAXPUF, 0);
            if (Len <= 0 || send_all(Sockets[i].fd, Puffer, Len) < 0) {
                close(Sockets[i].fd);
                Sockets[i] = Sockets[--Count];
            }
        }
        if (Sockets[0].revents != 0 && Count < MOST) {
            int Foreign = accept(Sockets[0].fd, NULL, NULL);
            if (Foreign >= 0) {
                Sockets[Count].fd = Foreign;
                Sockets[Count].events = POLLIN;
                Sockets[Count++].revents = 0;
            }
        }
    }
}
