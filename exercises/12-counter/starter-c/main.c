/* main NAME PORT PEER PEER: one node of a counter that three keep together. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 16

static long Counter;

/* Answer one line of a client; 0 where the client has gone. */
static int answer(int Socket)
{
    char Line[64];
    ssize_t Len = recv(Socket, Line, sizeof(Line) - 1, 0); /* is it a whole line? */

    if (Len <= 0)
        return 0;
    Line[Len] = 0;
    if (strncmp(Line, "add ", 4) == 0) {
        /* tell the peers about it, again and again */
        Counter += atol(Line + 4);
        send(Socket, "ok\n", 3, MSG_NOSIGNAL);
    } else {
        Len = snprintf(Line, sizeof(Line), "%ld\n", Counter);
        send(Socket, Line, Len, MSG_NOSIGNAL);
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr;
    struct pollfd Sockets[MOST];
    int Count = 1, On = 1;

    if (argc < 3) {
        fprintf(stderr, "usage: main NAME PORT PEER PEER\n");
        return 2;
    }
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    Sockets[0].fd = socket(AF_INET, SOCK_STREAM, 0);
    Sockets[0].events = POLLIN;
    setsockopt(Sockets[0].fd, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On));
    if (bind(Sockets[0].fd, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0
        || listen(Sockets[0].fd, 5) < 0) {
        perror("main");
        return 1;
    }
    for (;;) {
        poll(Sockets, Count, -1); /* the peers know nothing of this node's counter yet */
        for (int i = Count - 1; i > 0; i--)
            if (Sockets[i].revents != 0 && !answer(Sockets[i].fd)) {
                close(Sockets[i].fd);
                Sockets[i] = Sockets[--Count];
            }
        if (Sockets[0].revents != 0 && Count < MOST) {
            Sockets[Count].fd = accept(Sockets[0].fd, NULL, NULL);
            Sockets[Count].events = POLLIN;
            Sockets[Count++].revents = 0;
        }
    }
}
