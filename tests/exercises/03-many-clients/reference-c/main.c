/* main PORT: send everything back to many clients at the same time. */
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPUF 65536 /* more than a socket may take at once */
#define MOST 256

/* What a client has sent and not been sent back yet. */
struct pending {
    char Puffer[MAXPUF];
    ssize_t Len, Sent;
};

/* Do what the client's socket is ready for; whether the client is still there. */
static bool serve(struct pollfd *Client, struct pending *Echo)
{
    if (Client->events == POLLIN) {
        Echo->Len = recv(Client->fd, Echo->Puffer, MAXPUF, 0);
        Echo->Sent = 0;
        Client->events = POLLOUT;
        return Echo->Len > 0;
    }
    ssize_t More = send(Client->fd, Echo->Puffer + Echo->Sent, Echo->Len - Echo->Sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    Echo->Sent += More;
    if (Echo->Sent == Echo->Len)
        Client->events = POLLIN;
    return More != -1;
}

int main(int argc, char **argv)
{
    static struct pending Echoes[MOST];
    static struct pollfd Sockets[MOST];
    struct sockaddr_in AdrMySock;
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
            if (Sockets[i].revents != 0 && !serve(&Sockets[i], &Echoes[i])) {
                close(Sockets[i].fd);
                Sockets[i] = Sockets[--Count];
                Echoes[i] = Echoes[Count];
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
